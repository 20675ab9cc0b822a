// The queue between making and encoding.
#include "media/queued_writer.h"

#include <chrono>
#include <utility>

namespace t3 {
namespace {

constexpr std::chrono::milliseconds kPollInterval{100};

// Adds the seconds of its life.
class AddSeconds {
 public:
  explicit AddSeconds(double* sum) : sum_(sum) {}
  ~AddSeconds() {
    *sum_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  }
  AddSeconds(const AddSeconds&) = delete;
  AddSeconds& operator=(const AddSeconds&) = delete;

 private:
  double* sum_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace

QueuedWriter::QueuedWriter(std::unique_ptr<VideoWriter> writer, size_t capacity)
    : writer_(std::move(writer)), capacity_(capacity), thread_([this] { Run(); }) {}

QueuedWriter::~QueuedWriter() { Stop(); }

void QueuedWriter::Write(QueuedFrame frame, const std::function<void()>& poll) {
  const AddSeconds timer(&waited_);
  WaitFor([&] { return frames_.size() < capacity_; }, poll);
  {
    const std::lock_guard lock(mutex_);
    frames_.push_back(std::move(frame));
  }
  changed_.notify_all();
}

void QueuedWriter::Finish(const std::function<void()>& poll) {
  const AddSeconds timer(&waited_);
  WaitFor([&] { return frames_.empty() && !busy_; }, poll);
  Stop();
  writer_->Finish();
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
      writer_->Write(frame.view);
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
