// The libraries that move tensors between ranks, as c10d wraps them.
#pragma once

#include <c10/core/Device.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace t3 {

// A process group of `size` processes that meet in `store`, of which this is `rank`.
struct BackendPlace {
  c10::intrusive_ptr<c10d::Store> store;
  int rank = 0;
  int size = 1;
  std::string address;  // of rank 0's machine
  std::chrono::milliseconds patience{60'000};
};

// Between CPUs: Gloo. Its operations end before wait() returns, and throw when a peer is gone or
// does not come within `patience`.
c10::intrusive_ptr<c10d::Backend> MakeGloo(const BackendPlace& place);

// Between GPUs: NCCL (cuda/, no_cuda/). Connects, which waits for all ranks without a limit. Its
// operations are work on a stream, without a time limit; abort() ends them. Throws Error in a build
// without CUDA or without NCCL's header.
c10::intrusive_ptr<c10d::Backend> MakeNccl(const BackendPlace& place, at::Device device);

}  // namespace t3
