// A stage of a run: progress with time left, cancelling, and what it took.
#pragma once

#include <c10/core/Device.h>

#include <chrono>
#include <string>
#include <vector>

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

// Starts the clock and resets the device's peak at construction. Finish() appends the stage's time
// and peak memory to `stages`.
class Stage {
 public:
  Stage(const RunContext& context, std::string name, int64_t total);
  // For stages whose length is known only once they run.
  void set_total(int64_t total) { total_ = total; }
  const RunContext& context() const { return context_; }
  // Reports `done` of `total` units and throws kInterrupted when the run was cancelled.
  void Advance(int64_t done);
  void Finish(std::vector<Result::Stage>& stages);

 private:
  double Seconds() const;

  const RunContext& context_;
  std::string name_;
  int64_t total_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace t3
