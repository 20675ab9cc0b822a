// Waiting while something else is watched.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace t3 {

// Calls done() until it is true: often at first, since most waits are short. check() is called in
// between, and ends the wait by an exception.
template <typename Done, typename Check>
void PollUntil(Done done, Check check) {
  const auto begin = std::chrono::steady_clock::now();
  while (!done()) {
    check();
    const auto waited = std::chrono::steady_clock::now() - begin;
    std::this_thread::sleep_for(waited < std::chrono::seconds(2) ? std::chrono::microseconds(300)
                                                                 : std::chrono::milliseconds(20));
  }
}

// What `call` returns or throws. It runs in a thread of its own, which is left behind where check()
// throws first: for calls that may wait for good. `call` owns what it needs.
template <typename Result, typename Check>
Result WatchedCall(std::function<Result()> call, Check check) {
  auto promise = std::make_shared<std::promise<Result>>();
  std::future<Result> result = promise->get_future();
  std::thread([promise, call = std::move(call)] {
    try {
      promise->set_value(call());
    } catch (...) {
      promise->set_exception(std::current_exception());
    }
  }).detach();
  PollUntil([&] { return result.wait_for(std::chrono::seconds(0)) == std::future_status::ready; },
            check);
  return result.get();
}

}  // namespace t3
