// The queued writer: order, bound, errors, stopping.
#include "media/queued_writer.h"

#include <gmock/gmock.h>

#include <atomic>

#include "media/testing/frames.h"

namespace t3 {
namespace {

using std::chrono::milliseconds;

struct Log {
  std::vector<float> written;  // first red sample of each frame
  std::atomic<int> started = 0;
  bool finished = false;
};

class SlowWriter : public VideoWriter {
 public:
  SlowWriter(Log* log, milliseconds delay, int fails_at = -1)
      : log_(log), delay_(delay), fails_at_(fails_at) {}
  void Write(const FrameView& frame) override {
    if (log_->started++ == fails_at_) throw Error("disk full");
    std::this_thread::sleep_for(delay_);
    log_->written.push_back(frame.planes[0][0]);
  }
  void Finish() override { log_->finished = true; }

 private:
  Log* log_;
  milliseconds delay_;
  int fails_at_;
};

QueuedFrame Frame(float value) {
  auto frame = std::make_shared<TestFrame>(FlatFrame(2, 2, value, 0, 0));
  return {frame->view(), frame, {}};
}

TEST(QueuedWriter, WritesInOrderAndFinishes) {
  Log log;
  QueuedWriter writer(std::make_unique<SlowWriter>(&log, milliseconds(1)), 3);
  std::vector<float> sent;
  for (int i = 0; i < 20; ++i) {
    sent.push_back(static_cast<float>(i));
    writer.Write(Frame(sent.back()));
  }
  writer.Finish();
  EXPECT_EQ(log.written, sent);
  EXPECT_TRUE(log.finished);
}

TEST(QueuedWriter, HoldsNoMoreThanItsCapacity) {
  Log log;
  const auto alive = std::make_shared<std::atomic<int>>(0);
  int most = 0;
  QueuedWriter writer(std::make_unique<SlowWriter>(&log, milliseconds(2)), 3);
  for (int i = 0; i < 20; ++i) {
    ++*alive;
    QueuedFrame frame = Frame(0);
    frame.owner = std::shared_ptr<const void>(frame.owner.get(),
                                              [alive, held = frame.owner](auto) { --*alive; });
    writer.Write(std::move(frame));
    most = std::max(most, alive->load());
  }
  writer.Finish();
  EXPECT_LE(most, 3 + 1);  // waiting, and being written
  EXPECT_EQ(*alive, 0);
}

// Writing takes a third of the time of producing a frame, so only the last frame's write is waited
// for. Without overlap, every write would be.
TEST(QueuedWriter, OverlapsMakingAndWriting) {
  Log log;
  QueuedWriter writer(std::make_unique<SlowWriter>(&log, milliseconds(5)), 8);
  for (int i = 0; i < 40; ++i) {
    std::this_thread::sleep_for(milliseconds(15));
    writer.Write(Frame(static_cast<float>(i)));
  }
  writer.Finish();
  EXPECT_EQ(log.written.size(), 40U);
  EXPECT_GT(writer.waited(), 0);
  EXPECT_LT(writer.waited(), 40 * 0.005 * 3 / 4);
  EXPECT_GE(writer.writing(), 40 * 0.005);
}

TEST(QueuedWriter, WaitsForTheSamples) {
  Log log;
  QueuedWriter writer(std::make_unique<SlowWriter>(&log, milliseconds(0)), 3);
  auto frame = std::make_shared<TestFrame>(FlatFrame(2, 2, 0, 0, 0));
  writer.Write({frame->view(), frame, [frame] {
                  std::this_thread::sleep_for(milliseconds(20));
                  frame->samples[0] = 0.5;
                }});
  writer.Finish();
  EXPECT_THAT(log.written, testing::ElementsAre(0.5f));
}

TEST(QueuedWriter, ThrowsTheWritersErrorAndDoesNotFinish) {
  Log log;
  QueuedWriter writer(std::make_unique<SlowWriter>(&log, milliseconds(1), 2), 2);
  const std::string error = ErrorOf([&] {
    for (int i = 0; i < 100; ++i) writer.Write(Frame(0));
  });
  EXPECT_EQ(error, "disk full");
  EXPECT_EQ(ErrorOf([&] { writer.Finish(); }), "disk full");
  EXPECT_EQ(log.written.size(), 2u);
  EXPECT_FALSE(log.finished);
}

TEST(QueuedWriter, APollThatThrowsEndsTheWait) {
  Log log;
  const auto begin = std::chrono::steady_clock::now();
  {
    QueuedWriter writer(std::make_unique<SlowWriter>(&log, milliseconds(300)), 1);
    const auto poll = [] { throw Error("interrupted", ErrorKind::kInterrupted); };
    EXPECT_EQ(ErrorOf([&] {
                for (int i = 0; i < 100; ++i) writer.Write(Frame(0), poll);
              }),
              "interrupted");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(2000));
  EXPECT_FALSE(log.finished);
  EXPECT_LE(log.written.size(), 2u);  // what waited was dropped
}

}  // namespace
}  // namespace t3
