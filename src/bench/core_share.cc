// Sets the affinity of threads.
#include "bench/core_share.h"

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace t3 {

CoreHalves SplitCores() {
  cpu_set_t all;
  T3_CHECK(::sched_getaffinity(0, sizeof(all), &all) == 0, "cannot query the CPU affinity: {}",
           std::strerror(errno));
  CoreHalves halves;
  CPU_ZERO(&halves.first);
  CPU_ZERO(&halves.second);
  const int count = CPU_COUNT(&all);
  int seen = 0;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &all)) continue;
    CPU_SET(core, 2 * seen < count ? &halves.first : &halves.second);
    ++seen;
  }
  if (count == 1) halves.second = halves.first;
  halves.first_count = CPU_COUNT(&halves.first);
  halves.second_count = CPU_COUNT(&halves.second);
  return halves;
}

OnCores::OnCores(const cpu_set_t& cores) {
  T3_CHECK(::sched_getaffinity(0, sizeof(before_), &before_) == 0 &&
               ::sched_setaffinity(0, sizeof(cores), &cores) == 0,
           "cannot set the CPU affinity: {}", std::strerror(errno));
}

OnCores::~OnCores() { ::sched_setaffinity(0, sizeof(before_), &before_); }

}  // namespace t3
