// Copies blocks from host memory to the device, one ahead of its use.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace t3 {

// A double buffer on the device: while the work on one block runs, the next block is copied into
// the other buffer, on a GPU by a separate stream. Not thread-safe.
class BlockStream {
 public:
  // Fills `buffer` from `block`; on a GPU it must not wait for the copy.
  using CopyFn = std::function<void(const at::Tensor& buffer, const at::Tensor& block)>;
  // `blocks` of equal size, (bytes) uint8 on the host; pinned for a GPU, or its copies do not
  // overlap with work.
  BlockStream(std::vector<at::Tensor> blocks, at::Device device);
  // The same with buffers of `buffer_bytes`, filled by `copy`.
  BlockStream(std::vector<at::Tensor> blocks, at::Device device, int64_t buffer_bytes, CopyFn copy);
  ~BlockStream();  // waits for copies in flight
  BlockStream(const BlockStream&) = delete;
  BlockStream& operator=(const BlockStream&) = delete;

  static constexpr int kBuffers = 2;
  // (bytes) uint8 on the device.
  const at::Tensor& buffer(int i) const { return buffers_[static_cast<size_t>(i)]; }

  // The buffer that holds `block` for all work enqueued on the device's current stream between this
  // call and the next. Starts to copy the block after it (the first after the last) once the work
  // enqueued before this call is done.
  int Use(int64_t block);

  // Copies started, for tests.
  int64_t copies() const { return copies_; }

 private:
  // A GPU's stream for copies, and events that order it with the stream that computes.
  struct Overlap {
    c10::Stream copying;
    c10::Event free;
    std::array<c10::Event, kBuffers> copied;
  };
  void Copy(int64_t block, int into);
  c10::Stream Computing() const;

  std::vector<at::Tensor> blocks_;
  at::Device device_;
  CopyFn copy_;
  std::array<at::Tensor, kBuffers> buffers_;
  std::array<int64_t, kBuffers> holds_{-1, -1};
  int current_ = 0;
  int64_t copies_ = 0;
  std::optional<Overlap> overlap_;  // nothing on the CPU, where copies are synchronous
};

}  // namespace t3
