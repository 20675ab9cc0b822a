// Ranks of a test as threads of its process: Gloo and the store work between threads as well.
#pragma once

#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/failure.h"
#include "base/free_port.h"
#include "parallel/team.h"

namespace t3 {

// Runs `work` on each of `size` ranks and returns what each threw, "" where nothing. A rank that
// throws reports it to the others, as the program's do.
inline std::vector<std::string> RunRanks(int64_t size, const std::function<void(Team& team)>& work,
                                         double patience = 60) {
  // c10d's flight recorder, one a process, is not made for several ranks in it; a size of 0 turns
  // it off.
  ::setenv("TORCH_FR_BUFFER_SIZE", "0", 1);
  RankPlace place;
  place.size = place.local_size = size;
  place.port = FreePort();
  place.patience = patience;
  std::vector<std::string> errors(static_cast<size_t>(size));
  const auto run = [&](int64_t rank, const std::function<void()>& ended) {
    try {
      RankPlace own = place;
      own.rank = own.local_rank = rank;
      Team team(own, at::kCPU);
      try {
        work(team);
      } catch (...) {
        errors[static_cast<size_t>(rank)] = CurrentError().what();
        team.Report(errors[static_cast<size_t>(rank)]);
      }
      ended();  // rank 0 has the store, so it goes last
    } catch (...) {
      errors[static_cast<size_t>(rank)] = CurrentError().what();
    }
  };
  std::vector<std::thread> others;
  for (int64_t rank = 1; rank < size; ++rank) others.emplace_back(run, rank, [] {});
  run(0, [&] {
    for (std::thread& thread : others) thread.join();
    others.clear();
  });
  for (std::thread& thread : others) thread.join();
  return errors;
}

}  // namespace t3
