// Ranks that exchange tensors.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <vector>

#include "parallel/life_signs.h"

namespace t3 {

// Every member calls the same functions in the same order. Tensors are on the group's device. A
// member that is gone, or does not come within the patience, is an Error that says which rank and
// why; after it the group is unusable. Not thread-safe.
class RankGroup {
 public:
  // `abort` ends what all groups of this process are waiting for.
  RankGroup(c10::intrusive_ptr<c10d::Backend> backend, const LifeSigns& signs, at::Device device,
            std::chrono::duration<double> patience, std::function<void()> abort);

  int64_t rank() const;  // of this process in the group
  int64_t size() const;

  // rows (sum of `to`, ...): `to[i]` of them for member i, in order. Returns (sum of `from`, ...),
  // `from[i]` of member i, in order.
  at::Tensor Exchange(const at::Tensor& rows, const std::vector<int64_t>& to,
                      const std::vector<int64_t>& from);
  // Every member's rows, (sum of `counts`, ...), on every member.
  at::Tensor Gather(const at::Tensor& rows, const std::vector<int64_t>& counts);
  // Overwrites x, contiguous, with that of member `from`.
  void Broadcast(const at::Tensor& x, int64_t from);
  // x, contiguous, becomes the sum over the members on member `to`; others' x is not to be read.
  void SumTo(const at::Tensor& x, int64_t to);
  // x, contiguous, becomes the sum over the members, the same bits on each.
  void Sum(const at::Tensor& x);

  void Abort() noexcept;

  // Waits for the work given to the device so far, while all ranks live.
  void Settle();

  // Time from the first exchange's start to its end on the device, summed: for measurements, in
  // which every exchange is waited for.
  void set_timed(bool timed) { timed_ = timed; }
  double seconds() const { return seconds_; }

 private:
  template <typename Start>
  void Run(Start start);
  void Pace();
  void WaitFor(const c10::Event& event);
  [[noreturn]] void GiveUp(const std::string& cause);

  c10::intrusive_ptr<c10d::Backend> backend_;
  const LifeSigns& signs_;
  at::Device device_;
  std::chrono::duration<double> patience_;
  std::function<void()> abort_;
  std::deque<c10::Event> enqueued_;  // after each exchange, on a GPU
  bool timed_ = false;
  double seconds_ = 0;
};

// Of `total` rows the share of each of `parts`, as equal as possible: part i begins at
// total * i / parts.
std::vector<int64_t> EvenShares(int64_t total, int64_t parts);

}  // namespace t3
