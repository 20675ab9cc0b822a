// Asking a running job to stop.
#pragma once

#include <atomic>

namespace t3 {

// Set from another thread or a signal handler; long work polls it between steps and then throws
// Error of kind kInterrupted.
class CancelToken {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace t3
