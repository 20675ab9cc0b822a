// A video writer on its own thread, so that decoding latents and encoding frames overlap.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "media/video_writer.h"

namespace t3 {

struct QueuedFrame {
  FrameView view;
  std::shared_ptr<const void> owner;  // keeps the samples alive
  std::function<void()> wait;         // if set, is called on the thread; returns once the samples
                                      // are complete
  // In place of `view`: of the writer's planar().
  std::optional<ConstPlanes> samples = {};
};

// Frames are written in the order of arrival. At most `capacity` wait, so memory does not grow with
// the video. Destroying it without Finish() drops waiting frames and leaves no file. To be called
// from one thread.
class QueuedWriter {
 public:
  QueuedWriter(std::unique_ptr<VideoWriter> writer, size_t capacity);
  ~QueuedWriter();
  QueuedWriter(const QueuedWriter&) = delete;
  QueuedWriter& operator=(const QueuedWriter&) = delete;

  // Both wait for the thread, meanwhile call `poll` (may be empty, may throw) several times a
  // second, and throw the error of an earlier frame.
  void Write(QueuedFrame frame, const std::function<void()>& poll = {});
  // Finishes the file after all frames are written.
  void Finish(const std::function<void()>& poll = {});

  // The writer's (video_writer.h).
  std::optional<PlanarFormat> planar() const { return writer_->planar(); }
  // The writer's notes. Not while frames are waiting: before the first or after Finish().
  const std::vector<std::string>& notes() const { return writer_->notes(); }

  // Seconds that the caller has spent waiting in both: the part of writing that did not overlap
  // with its own work.
  double waited() const { return waited_; }
  // Seconds that the writer has spent writing frames and finishing the file. After Finish().
  double writing() const { return writing_; }

 private:
  void Run();
  void Stop();
  // Returns once `done()` is true, or throws what the thread or `poll` threw.
  void WaitFor(const std::function<bool()>& done, const std::function<void()>& poll);

  std::unique_ptr<VideoWriter> writer_;
  size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<QueuedFrame> frames_;
  bool busy_ = false;  // the thread is writing a frame
  bool stop_ = false;
  std::exception_ptr error_;
  double waited_ = 0;
  double writing_ = 0;  // the thread's until it has ended
  std::thread thread_;
};

}  // namespace t3
