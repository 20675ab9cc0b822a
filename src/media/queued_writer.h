// A video writer on a thread of its own, so that making frames and encoding them overlap.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "media/video_writer.h"

namespace t3 {

struct QueuedFrame {
  FrameView view;
  std::shared_ptr<const void> owner;  // keeps the samples alive
  std::function<void()> wait;         // if set, returns once the samples are there; on the thread
};

// Frames are written in the order in which they come. At most `capacity` wait: memory is bounded by
// the queue, whatever the length of the video. Destroying it without Finish() drops what waits and
// leaves no file. For one calling thread.
class QueuedWriter {
 public:
  QueuedWriter(std::unique_ptr<VideoWriter> writer, size_t capacity);
  ~QueuedWriter();
  QueuedWriter(const QueuedWriter&) = delete;
  QueuedWriter& operator=(const QueuedWriter&) = delete;

  // Both wait for the thread, call `poll` (may be empty, may throw) some times a second while they
  // do, and throw the error of an earlier frame.
  void Write(QueuedFrame frame, const std::function<void()>& poll = {});
  // When every frame is written, finishes the file.
  void Finish(const std::function<void()>& poll = {});

  // Seconds that the caller has spent in both: what writing adds to making frames, beside what the
  // two take from each other.
  double waited() const { return waited_; }

 private:
  void Run();
  void Stop();
  // Returns once `done` holds, or throws what the thread or `poll` threw.
  void WaitFor(const std::function<bool()>& done, const std::function<void()>& poll);

  std::unique_ptr<VideoWriter> writer_;
  size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<QueuedFrame> frames_;
  bool busy_ = false;  // the thread has a frame in hand
  bool stop_ = false;
  std::exception_ptr error_;
  double waited_ = 0;
  std::thread thread_;
};

}  // namespace t3
