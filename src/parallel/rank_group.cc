// Exchanges over c10d, watched.
#include "parallel/rank_group.h"

#include <ATen/ops/empty.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <exception>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/failure.h"

namespace t3 {
namespace {

// Exchanges that the device may be behind: about a layer's, enough to keep it busy. More would fill
// the device's queue, in which a call blocks for good when a rank is lost.
constexpr size_t kAhead = 18;

std::vector<at::Tensor> EachAsBytes(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> bytes;
  for (const at::Tensor& x : tensors) {
    T3_CHECK(x.is_contiguous(), "ranks: Start needs contiguous tensors");
    bytes.push_back(x.view({-1}).view(at::kByte));
  }
  return bytes;
}

std::vector<int64_t> Lengths(const std::vector<at::Tensor>& tensors) {
  std::vector<int64_t> lengths;
  for (const at::Tensor& x : tensors) lengths.push_back(x.size(0));
  return lengths;
}

c10::Event EventNow(at::Device device) {
  const c10::impl::VirtualGuardImpl guard(device.type());
  c10::Event event(device.type());
  event.record(guard.getStream(device));
  return event;
}

}  // namespace

std::vector<int64_t> EvenShares(int64_t total, int64_t parts) {
  std::vector<int64_t> shares;
  for (int64_t i = 0; i < parts; ++i) shares.push_back(total * (i + 1) / parts - total * i / parts);
  return shares;
}

RankGroup::RankGroup(c10::intrusive_ptr<c10d::Backend> backend, const LifeSigns& signs,
                     at::Device device, std::chrono::duration<double> patience,
                     std::function<void()> abort)
    : backend_(std::move(backend)),
      signs_(signs),
      device_(device),
      patience_(patience),
      abort_(std::move(abort)) {}

// NCCL's process group aborts in its destructor as well, but warns before that it was not shut
// down. Rejected: shutdown(), in which all members meet, and which waits for one that is gone.
RankGroup::~RankGroup() {
  if (device_.is_cuda()) Abort();
}

int64_t RankGroup::rank() const { return backend_->getRank(); }
int64_t RankGroup::size() const { return backend_->getSize(); }

at::Tensor RankGroup::Exchange(const at::Tensor& rows, const std::vector<int64_t>& to,
                               const std::vector<int64_t>& from) {
  int64_t sent = 0, received = 0;
  for (const int64_t count : to) sent += count;
  for (const int64_t count : from) received += count;
  T3_CHECK(std::ssize(to) == size() && std::ssize(from) == size() && rows.size(0) == sent,
           "ranks: {} rows for {} members in shares ({}), and ({}) to receive", rows.size(0),
           size(), fmt::join(to, ", "), fmt::join(from, ", "));
  std::vector<int64_t> shape = rows.sizes().vec();
  shape[0] = received;
  at::Tensor out = at::empty(shape, rows.options());
  Start(rows.contiguous().split_with_sizes(to), out.split_with_sizes(from)).Wait();
  return out;
}

RankGroup::Transfer RankGroup::Start(std::vector<at::Tensor> to, std::vector<at::Tensor> from) {
  T3_CHECK(std::ssize(to) == size() && std::ssize(from) == size(),
           "ranks: {} tensors to send and {} to receive for {} members", to.size(), from.size(),
           size());
  Transfer transfer;
  transfer.group_ = this;
  transfer.to_ = EachAsBytes(to);
  transfer.from_ = EachAsBytes(from);
  transfer.work_ = Begin([&] {
    if (device_.is_cuda()) {
      return backend_->alltoall(transfer.from_, transfer.to_, c10d::AllToAllOptions());
    }
    // c10d's Gloo has no all-to-all of several tensors.
    std::vector<int64_t> sent = Lengths(transfer.to_), received = Lengths(transfer.from_);
    transfer.to_ = {at::cat(transfer.to_)};
    int64_t bytes = 0;
    for (const int64_t length : received) bytes += length;
    transfer.received_ = at::empty({bytes}, transfer.to_[0].options());
    return backend_->alltoall_base(transfer.received_, transfer.to_[0], received, sent,
                                   c10d::AllToAllOptions());
  });
  if (timed_) transfer.Wait();
  return transfer;
}

void RankGroup::Transfer::Wait() {
  if (!work_) return;
  const c10::intrusive_ptr<c10d::Work> work = std::move(work_);
  group_->End(*work);
  if (!received_.defined()) return;
  const std::vector<at::Tensor> parts = received_.split_with_sizes(Lengths(from_));
  for (size_t i = 0; i < from_.size(); ++i) from_[i].copy_(parts[i]);
}

at::Tensor RankGroup::Gather(const at::Tensor& rows, const std::vector<int64_t>& counts) {
  std::vector<int64_t> shape = rows.sizes().vec();
  shape[0] = 0;
  for (const int64_t count : counts) shape[0] += count;
  const at::Tensor all = at::empty(shape, rows.options());
  int64_t first = 0;
  for (int64_t i = 0; i < size(); ++i) {
    const at::Tensor part = all.narrow(0, first, counts[static_cast<size_t>(i)]);
    if (i == rank()) part.copy_(rows);
    Broadcast(part, i);
    first += part.size(0);
  }
  return all;
}

void RankGroup::Broadcast(const at::Tensor& x, int64_t from) {
  T3_CHECK(x.is_contiguous(), "ranks: Broadcast needs a contiguous tensor");
  if (x.numel() == 0) return;
  std::vector<at::Tensor> bytes{x.view({-1}).view(at::kByte)};
  c10d::BroadcastOptions options;
  options.rootRank = from;
  Run([&] { return backend_->broadcast(bytes, options); });
}

void RankGroup::SumTo(const at::Tensor& x, int64_t to) {
  T3_CHECK(x.is_contiguous(), "ranks: SumTo needs a contiguous tensor");
  std::vector<at::Tensor> tensors{x};
  c10d::ReduceOptions options;
  options.rootRank = to;
  Run([&] { return backend_->reduce(tensors, options); });
}

void RankGroup::Sum(const at::Tensor& x) {
  T3_CHECK(x.is_contiguous(), "ranks: Sum needs a contiguous tensor");
  std::vector<at::Tensor> tensors{x};
  Run([&] { return backend_->allreduce(tensors, c10d::AllreduceOptions()); });
}

template <typename StartFn>
c10::intrusive_ptr<c10d::Work> RankGroup::Begin(StartFn start) {
  if (const std::string trouble = signs_.Trouble(); !trouble.empty()) GiveUp(trouble);
  if (timed_) Settle();
  begun_ = std::chrono::steady_clock::now();
  try {
    return start();
  } catch (...) {
    GiveUp(CurrentError().what());
  }
}

// Waits for an operation: on a GPU the current stream does.
void RankGroup::End(c10d::Work& work) {
  try {
    work.wait();
  } catch (...) {
    GiveUp(CurrentError().what());
  }
  if (device_.is_cuda()) Pace();
  if (!timed_) return;
  Settle();
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
}

template <typename StartFn>
void RankGroup::Run(StartFn start) {
  End(*Begin(start));
}

void RankGroup::Pace() {
  enqueued_.push_back(EventNow(device_));
  while (enqueued_.size() > kAhead) {
    WaitFor(enqueued_.front());
    enqueued_.pop_front();
  }
}

void RankGroup::Settle() {
  if (!device_.is_cuda()) return;
  WaitFor(EventNow(device_));
  enqueued_.clear();
}

// In place of a call that blocks: a stream that waits for a rank that is gone never ends.
void RankGroup::WaitFor(const c10::Event& event) {
  const auto begin = std::chrono::steady_clock::now();
  while (!event.query()) {
    const auto waited = std::chrono::steady_clock::now() - begin;
    if (waited < std::chrono::milliseconds(2)) continue;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    if (const std::string trouble = signs_.Trouble(); !trouble.empty()) GiveUp(trouble);
    if (waited > patience_) GiveUp(fmt::format("no rank went on for {:.0f} s", patience_.count()));
  }
}

void RankGroup::Abort() noexcept {
  try {
    backend_->abort();
  } catch (...) {  // it is unusable either way
  }
}

// Aborting ends the kernels that wait, so that what this rank has can still be read.
void RankGroup::GiveUp(const std::string& cause) {
  const std::string trouble = signs_.TroubleSoon();
  abort_();
  Fail("the ranks cannot go on together: {}", trouble.empty() ? cause : trouble);
}

}  // namespace t3
