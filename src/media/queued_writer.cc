// The queue between the caller and the encoder.
#include "media/queued_writer.h"

#include <chrono>
#include <utility>

#include "base/seconds_since.h"

namespace t3 {
namespace {

constexpr std::chrono::milliseconds kPollInterval{100};

}  // namespace

QueuedWriter::QueuedWriter(std::unique_ptr<VideoWriter> writer, size_t capacity)
    : writer_(std::move(writer)), capacity_(capacity), thread_([this] { Run(); }) {}

QueuedWriter::~QueuedWriter() { Stop(); }

void QueuedWriter::Write(QueuedFrame frame, const std::function<void()>& poll) {
  const auto begin = std::chrono::steady_clock::now();
  WaitFor([&] { return frames_.size() < capacity_; }, poll);
  {
    const std::lock_guard lock(mutex_);
    frames_.push_back(std::move(frame));
  }
  changed_.notify_all();
  waited_ += SecondsSince(begin);
}

void QueuedWriter::Finish(const std::function<void()>& poll) {
  const auto begin = std::chrono::steady_clock::now();
  WaitFor([&] { return frames_.empty() && !busy_; }, poll);
  Stop();
  const auto last = std::chrono::steady_clock::now();
  writer_->Finish();
  writing_ += SecondsSince(last);
  waited_ += SecondsSince(begin);
}

void QueuedWriter::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void QueuedWriter::WaitFor(const std::function<bool()>& done, const std::function<void()>& poll) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (error_) std::rethrow_exception(error_);
    if (done()) return;
    changed_.wait_for(lock, kPollInterval);
    if (!poll) continue;
    lock.unlock();
    poll();
    lock.lock();
  }
}

void QueuedWriter::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || !frames_.empty(); });
    if (stop_) return;
    const QueuedFrame frame = std::exchange(frames_.front(), {});
    frames_.pop_front();
    busy_ = true;
    lock.unlock();
    std::exception_ptr error;
    try {
      if (frame.wait) frame.wait();
      const auto begin = std::chrono::steady_clock::now();
      frame.samples ? writer_->WriteSamples(*frame.samples) : writer_->Write(frame.view);
      writing_ += SecondsSince(begin);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    busy_ = false;
    if (error) {
      error_ = error;
      return changed_.notify_all();
    }
    changed_.notify_all();
  }
}

}  // namespace t3
