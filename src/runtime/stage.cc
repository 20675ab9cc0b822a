// Progress and timing of a stage.
#include "runtime/stage.h"

#include <algorithm>

#include "base/check.h"
#include "base/seconds_since.h"
#include "runtime/device.h"

namespace t3 {

int64_t RunContext::DeviceBytes() const {
  const int64_t available = AvailableBytes(device);
  if (device_limit <= 0) return available;
  const int64_t used = TotalBytes(device) - available;
  return std::max<int64_t>(0, std::min(available, device_limit - used));
}

void RunContext::CheckCancelled(const std::string& saved) const {
  if (cancel != nullptr && cancel->cancelled()) {
    throw Error(saved.empty() ? "interrupted" : "interrupted; " + saved, ErrorKind::kInterrupted);
  }
}

Stage::Stage(const RunContext& context, std::string name, int64_t total, std::string unit)
    : context_(context),
      name_(std::move(name)),
      total_(total),
      unit_(std::move(unit)),
      start_(std::chrono::steady_clock::now()) {
  ResetDevicePeak(context_.device);
  ResetHostPeak();
  Advance(0);
}

void Stage::StartAt(int64_t done) {
  first_ = last_ = done;
  if (done > 0) Advance(done);
}

double Stage::Seconds() const { return SecondsSince(start_); }

void Stage::Advance(int64_t done) {
  context_.CheckCancelled();
  Report(done);
}

void Stage::Report(int64_t done) {
  if (unit_ == "steps" && done > last_) {
    const double seconds = Seconds();
    step_seconds_.push_back(seconds - last_seconds_);
    last_ = done, last_seconds_ = seconds;
  }
  if (!context_.progress) return;
  ProgressEvent event{name_, done, total_, Seconds(), -1};
  event.unit = unit_;
  event.memory_bytes = MemoryInUse(context_.device);
  if (done > first_ && total_ > 0) {
    event.seconds_left =
        event.seconds * static_cast<double>(total_ - done) / static_cast<double>(done - first_);
  }
  context_.progress(event);
}

double Stage::TimedPart::Seconds() const {
  double seconds = 0;
  for (const auto& [begin, end] : pieces) seconds += begin.SecondsTo(end);
  return seconds;
}

Stage::PartTimer::PartTimer(Stage& stage, std::string_view name)
    : stage_(stage), name_(name), begin_(Moment::Now(stage.context_.device)) {}

Stage::PartTimer::~PartTimer() { stage_.AddPiece(name_, std::move(begin_)); }

void Stage::AddPiece(std::string_view name, Moment begin) {
  auto part = std::ranges::find(parts_, name, &TimedPart::name);
  if (part == parts_.end()) part = parts_.insert(part, {std::string(name), {}});
  part->pieces.emplace_back(std::move(begin), Moment::Now(context_.device));
}

std::vector<std::pair<std::string, double>> Stage::PartSeconds() const {
  std::vector<std::pair<std::string, double>> seconds;
  for (size_t i = 1; i < laps_.size(); ++i) {
    const auto& [name, end] = laps_[i];
    if (name.empty()) continue;
    auto part = std::ranges::find(seconds, name, &std::pair<std::string, double>::first);
    if (part == seconds.end()) part = seconds.insert(part, {name, 0});
    part->second += laps_[i - 1].second.SecondsTo(end);
  }
  seconds.insert(seconds.end(), beside_.begin(), beside_.end());
  return seconds;
}

void Stage::Finish(std::vector<Result::Stage>& stages) {
  Synchronize(context_.device);
  Result::Stage whole{name_,
                      Seconds(),
                      DevicePeak(context_.device),
                      HostPeak(),
                      DeviceContextBytes(context_.device),
                      step_seconds_,
                      PartSeconds()};
  for (const TimedPart& part : parts_) {
    Result::Stage own = whole;
    own.name = part.name;
    own.step_seconds.clear();
    own.part_seconds.clear();
    own.seconds = std::min(part.Seconds(), whole.seconds);
    whole.seconds -= own.seconds;
    stages.push_back(std::move(own));
  }
  stages.push_back(std::move(whole));
}

}  // namespace t3
