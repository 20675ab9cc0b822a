// Binds threads to cores.
#pragma once

#include <sched.h>

namespace t3 {

// The cores that this process may use, in two halves; both have the core if there is only one.
struct CoreHalves {
  cpu_set_t first, second;
  int first_count = 0, second_count = 0;
};
CoreHalves SplitCores();

// Binds the calling thread, and threads that it starts meanwhile, until destruction.
class OnCores {
 public:
  explicit OnCores(const cpu_set_t& cores);
  ~OnCores();
  OnCores(const OnCores&) = delete;
  OnCores& operator=(const OnCores&) = delete;

 private:
  cpu_set_t before_;
};

}  // namespace t3
