// Networks that stay in memory while there is room, for work that uses several in turn.
#pragma once

#include <c10/core/Device.h>

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "base/seconds_since.h"

namespace t3 {

// Bytes for networks at work; 0: no limit.
struct NetworkRoom {
  int64_t device = 0;
  int64_t host = 0;  // of pinned memory that weights are streamed from
};

// What a network takes, in bytes.
struct NetworkNeed {
  int64_t weights = 0;       // on the device
  int64_t at_work = 0;       // on the device at the peak, weights included
  int64_t host_weights = 0;  // streamed from host memory
};

// A network works alone. Before it does, others leave until its peak fits beside the weights of
// those that stay: first the one that was used longest ago. A network that left is loaded again
// when it is used next, with the same results.
class ResidentNetworks {
 public:
  ResidentNetworks(const NetworkRoom& room, at::Device device) : room_(room), device_(device) {}

  // The network `key`; `load` returns a std::unique_ptr<Network>. Valid until the next call.
  template <typename Network, typename Load>
  Network& Use(const std::string& key, const NetworkNeed& need, Load load) {
    Resident& resident = MakeRoom(key, need);
    if (!resident.network) {
      const auto start = std::chrono::steady_clock::now();
      resident.network = std::shared_ptr<Network>(load());
      loading_seconds_ += SecondsSince(start);
    }
    return *static_cast<Network*>(resident.network.get());
  }

  // Of all that was loaded, again too.
  double loading_seconds() const { return loading_seconds_; }

 private:
  struct Resident {
    std::string key;
    NetworkNeed need;
    std::shared_ptr<void> network;
  };
  // The place of `key`, now the latest.
  Resident& MakeRoom(const std::string& key, const NetworkNeed& need);
  bool FitsAll() const;

  NetworkRoom room_;
  at::Device device_;
  std::list<Resident> residents_;  // used longest ago first
  double loading_seconds_ = 0;
};

}  // namespace t3
