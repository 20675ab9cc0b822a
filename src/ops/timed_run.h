// How long work took a GPU, told by events around it.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <optional>
#include <utility>

namespace t3 {

class TimedRun {
 public:
  // Has `work` give its kernels to the current stream of the device of `on`, between two events.
  // Nothing where `work` returns false.
  template <typename Work>
  static std::optional<TimedRun> Of(const at::Tensor& on, Work work) {
    const c10::DeviceType type = on.device().type();
    const c10::Stream stream = c10::impl::VirtualGuardImpl(type).getStream(on.device());
    TimedRun run{c10::Event(type, c10::EventFlag::BACKEND_DEFAULT),
                 c10::Event(type, c10::EventFlag::BACKEND_DEFAULT)};
    run.begin_.record(stream);
    if (!work()) return std::nullopt;
    run.end_.record(stream);
    return run;
  }

  // Waits for the work.
  double Milliseconds() const {
    end_.synchronize();
    return begin_.elapsedTime(end_);
  }

 private:
  TimedRun(c10::Event begin, c10::Event end) : begin_(std::move(begin)), end_(std::move(end)) {}

  c10::Event begin_, end_;
};

}  // namespace t3
