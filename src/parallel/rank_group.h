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
  ~RankGroup();
  RankGroup(const RankGroup&) = delete;
  RankGroup& operator=(const RankGroup&) = delete;

  int64_t rank() const;  // of this process in the group
  int64_t size() const;

  // rows (sum of `to`, ...): `to[i]` of them for member i, in order. Returns (sum of `from`, ...),
  // `from[i]` of member i, in order.
  at::Tensor Exchange(const at::Tensor& rows, const std::vector<int64_t>& to,
                      const std::vector<int64_t>& from);
  // An exchange that this process does not wait for: to[i] goes to member i, from[i] is overwritten
  // with what member i sends. All are contiguous, and not to be touched before Wait. On a GPU it
  // runs beside what the current stream does next.
  class Transfer;
  Transfer Start(std::vector<at::Tensor> to, std::vector<at::Tensor> from);
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
  template <typename StartFn>
  c10::intrusive_ptr<c10d::Work> Begin(StartFn start);
  void End(c10d::Work& work);
  template <typename StartFn>
  void Run(StartFn start);
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
  std::chrono::steady_clock::time_point begun_;  // the exchange that is timed
  double seconds_ = 0;
};

// Of RankGroup::Start. The group outlives it.
class RankGroup::Transfer {
 public:
  // Ends the exchange: on a GPU for the current stream, on a CPU for this thread. A second call, or
  // one of a transfer that was not started, does nothing.
  void Wait();

 private:
  friend class RankGroup;
  RankGroup* group_ = nullptr;
  c10::intrusive_ptr<c10d::Work> work_;  // nullptr once it has ended
  std::vector<at::Tensor> to_, from_;
  at::Tensor received_;  // of a backend that receives into one tensor: what is copied to from_
};

// Of `total` rows the share of each of `parts`, as equal as possible: part i begins at
// total * i / parts.
std::vector<int64_t> EvenShares(int64_t total, int64_t parts);

}  // namespace t3
