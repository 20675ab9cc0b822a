// Device events, or the clock.
#include "ops/moment.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace t3 {

Moment Moment::Now(at::Device device) {
  Moment moment;
  if (device.is_cpu()) {
    moment.time_ = std::chrono::steady_clock::now();
    return moment;
  }
  moment.event_.emplace(device.type(), c10::EventFlag::BACKEND_DEFAULT);
  moment.event_->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  return moment;
}

double Moment::SecondsTo(const Moment& later) const {
  if (event_) return event_->elapsedTime(*later.event_) / 1000;
  return std::chrono::duration<double>(later.time_ - time_).count();
}

void Moment::Wait() const {
  if (event_) event_->synchronize();
}

}  // namespace t3
