// Whether all ranks of a run are alive, and what those that failed said.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "t3video/ranks.h"

namespace t3 {

// A thread that writes this rank's sign of life to the store and reads those of the others, on a
// connection of its own: the work may wait for a peer as long as the peer lives.
class LifeSigns {
 public:
  // `limit`: how long a rank may be silent.
  LifeSigns(c10::intrusive_ptr<c10d::Store> store, const RankPlace& place,
            std::chrono::duration<double> limit);
  ~LifeSigns();
  LifeSigns(const LifeSigns&) = delete;
  LifeSigns& operator=(const LifeSigns&) = delete;

  // Which rank is silent, or what it said when it failed; "" while all is well. From any thread.
  std::string Trouble() const;
  // The same, after waiting a little for the rank that caused a failed exchange to say why.
  std::string TroubleSoon() const;

  // The keys, as the store has them.
  static std::string SignKey(int64_t rank);
  static std::string FailureKey(int64_t rank);

 private:
  struct Peer {
    std::vector<uint8_t> sign;
    std::chrono::steady_clock::time_point seen;
  };
  void Run();
  void Look();
  void Note(const std::string& trouble);

  c10::intrusive_ptr<c10d::Store> store_;
  int64_t rank_, size_;
  std::function<std::string()> watch_;
  std::chrono::duration<double> limit_;
  int64_t count_ = 0;
  std::map<int64_t, Peer> peers_;
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace t3
