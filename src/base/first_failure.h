// What the first of several threads threw, for the one that waits for them.
#pragma once

#include <exception>
#include <mutex>

namespace t3 {

class FirstFailure {
 public:
  // Calls `work`; what it throws is kept, the first time.
  template <typename Work>
  void Keep(const Work& work) {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  // Throws what was kept, if anything. All threads have ended.
  void Rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace t3
