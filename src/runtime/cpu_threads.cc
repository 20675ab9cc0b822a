// The run library reads its settings from the environment before main begins, so they cannot be
// made here. But it spins briefly where there are more of its threads than processors: a second
// team of threads, which sleeps for the rest of the process, makes it so.
#include "runtime/cpu_threads.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

namespace t3 {
namespace {

[[noreturn]] void SleepForever() {
  for (;;) ::pause();
}

void StartSleepingTeam() {
  const auto started = std::make_shared<std::promise<void>>();
  std::thread([started] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for threads that do something
    at::parallel_for(0, at::get_num_threads(), 1, [](int64_t, int64_t) {});
    started->set_value();
    SleepForever();
  }).detach();
  started->get_future().wait();
}

}  // namespace

void LetThreadsSleep() {
  static std::once_flag once;
  std::call_once(once, [] {
    const bool chosen =
        std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr;
    if (!chosen && at::get_num_threads() > 1) StartSleepingTeam();
  });
}

}  // namespace t3
