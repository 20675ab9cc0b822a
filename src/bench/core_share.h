// Which cores a thread and those that it starts run on.
#pragma once

#include <sched.h>

namespace t3 {

// The cores that this process may use, in two halves; of a single core both get it.
struct CoreHalves {
  cpu_set_t first, second;
  int first_count = 0, second_count = 0;
};
CoreHalves SplitCores();

// Binds the calling thread, and the threads that it starts meanwhile, until it is destroyed.
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
