// A moment on a device's stream, for timing work that the host does not wait for.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/Event.h>

#include <chrono>
#include <optional>

namespace t3 {

class Moment {
 public:
  // On a GPU when the work that was given to the current stream so far is done; on the CPU now.
  static Moment Now(at::Device device);

  // Seconds from this moment to a later one of the same device. Wait() for the later one first.
  double SecondsTo(const Moment& later) const;
  // Returns once the moment has come.
  void Wait() const;

 private:
  std::optional<c10::Event> event_;             // of a GPU
  std::chrono::steady_clock::time_point time_;  // of the CPU
};

}  // namespace t3
