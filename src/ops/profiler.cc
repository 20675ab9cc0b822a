// Scopes timed by device events, or by the clock on the CPU.
#include "ops/profiler.h"

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "ops/moment.h"

namespace t3 {
namespace {

struct Span {
  std::string name;
  Moment begin, end;
};

struct Recording {
  at::Device device;
  std::vector<Span> spans;
};

std::unique_ptr<Recording> recording;

}  // namespace

Profiler::Profiler(at::Device device) {
  T3_CHECK(!recording, "Profiler: another one exists");
  recording = std::make_unique<Recording>(Recording{device, {}});
}

Profiler::~Profiler() { recording.reset(); }

ProfileTimes Profiler::Milliseconds() {
  ProfileTimes sums;
  if (!recording->spans.empty()) recording->spans.back().end.Wait();
  for (const Span& span : recording->spans) {
    const double ms = 1000 * span.begin.SecondsTo(span.end);
    const auto found = std::ranges::find(sums, span.name, &ProfileTimes::value_type::first);
    if (found == sums.end()) {
      sums.emplace_back(span.name, ms);
    } else {
      found->second += ms;
    }
  }
  return sums;
}

ProfileScope::ProfileScope(std::string_view name) {
  if (!recording) return;
  recording->spans.push_back({std::string(name), Moment::Now(recording->device), {}});
}

ProfileScope::~ProfileScope() {
  if (recording) recording->spans.back().end = Moment::Now(recording->device);
}

}  // namespace t3
