// A stage of a run: progress with time left, cancelling, and what it took.
#pragma once

#include <c10/core/Device.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/moment.h"
#include "t3video/cancel.h"
#include "t3video/progress.h"
#include "t3video/request.h"

namespace t3 {

// What every stage needs from its caller.
struct RunContext {
  const ProgressFn& progress;
  const CancelToken* cancel;
  at::Device device;
  int64_t device_limit = 0;  // bytes a run may take on the device; 0: all that is free

  // Bytes that the run can still take on the device.
  int64_t DeviceBytes() const;
  // Throws Error of kind kInterrupted once the token is set. `saved` ends the message: what is
  // safe.
  void CheckCancelled(const std::string& saved = "") const;
};

// Starts the clock and resets the peaks of memory at construction. Finish() appends the stage's
// time and peaks to `stages`, after those of its parts.
class Stage {
 public:
  // `unit`: what `total` counts, "steps", "frames", "texts", "bytes" or nothing.
  Stage(const RunContext& context, std::string name, int64_t total, std::string unit = "");
  // For stages whose length is known only once they run.
  void set_total(int64_t total) { total_ = total; }
  const RunContext& context() const { return context_; }
  // `done` units were there before the stage began: the pace does not count them.
  void StartAt(int64_t done);
  // Reports `done` of `total` units.
  void Report(int64_t done);
  // Likewise, and throws kInterrupted when the run was cancelled.
  void Advance(int64_t done);
  // Does `work`, a part of the stage that comes in pieces, e.g. for every frame. All pieces of a
  // name become a stage of their own, whose seconds the stage itself does not count. On a GPU they
  // are those of the stream: what it computes in them, and how long it waits in them for the host.
  template <typename Work>
  auto Part(std::string_view name, Work work) {
    const PartTimer timer(*this, name);
    return work();
  }
  // The time since the last lap was spent on `part`, which stays counted in the stage
  // (Result::Stage::part_seconds); "": on none. The first lap only begins. On a GPU it is the time
  // of the stream.
  void Lap(std::string_view part) { laps_.emplace_back(part, Moment::Now(context_.device)); }
  // `seconds` of work that ran beside the stage's.
  void Beside(std::string_view part, double seconds) { beside_.emplace_back(part, seconds); }
  void Finish(std::vector<Result::Stage>& stages);

 private:
  struct TimedPart {
    std::string name;
    std::vector<std::pair<Moment, Moment>> pieces;
    double Seconds() const;  // of pieces that are over
  };
  class PartTimer {
   public:
    PartTimer(Stage& stage, std::string_view name);
    ~PartTimer();
    PartTimer(const PartTimer&) = delete;
    PartTimer& operator=(const PartTimer&) = delete;

   private:
    Stage& stage_;
    std::string_view name_;
    Moment begin_;
  };
  void AddPiece(std::string_view name, Moment begin);
  std::vector<std::pair<std::string, double>> PartSeconds() const;
  double Seconds() const;

  const RunContext& context_;
  std::string name_;
  int64_t total_;
  int64_t first_ = 0;  // units that were done before
  std::string unit_;
  std::chrono::steady_clock::time_point start_;
  std::vector<TimedPart> parts_;
  std::vector<std::pair<std::string, Moment>> laps_;  // and their ends
  std::vector<std::pair<std::string, double>> beside_;
  int64_t last_ = 0;         // the step that was reported last,
  double last_seconds_ = 0;  // and when
  std::vector<double> step_seconds_;
};

}  // namespace t3
