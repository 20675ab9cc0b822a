// Scopes timed by device events, or by the clock on the CPU.
#include "ops/profiler.h"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "base/check.h"

namespace t3 {
namespace {

using Clock = std::chrono::steady_clock;

// A moment on the device's stream.
struct Moment {
  std::optional<c10::Event> event;  // of a GPU
  Clock::time_point time;           // of the CPU

  static Moment Now(at::Device device) {
    Moment moment;
    if (device.is_cpu()) {
      moment.time = Clock::now();
      return moment;
    }
    moment.event.emplace(device.type(), c10::EventFlag::BACKEND_DEFAULT);
    moment.event->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
    return moment;
  }
  double MillisecondsTo(const Moment& end) const {
    if (event) return event->elapsedTime(*end.event);
    return std::chrono::duration<double, std::milli>(end.time - time).count();
  }
};

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
  if (!recording->spans.empty() && recording->spans.back().end.event) {
    recording->spans.back().end.event->synchronize();
  }
  for (const Span& span : recording->spans) {
    const double ms = span.begin.MillisecondsTo(span.end);
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
