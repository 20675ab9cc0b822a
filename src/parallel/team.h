// The ranks of a run, and how rank 0 leads them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <vector>

#include "parallel/backend.h"
#include "parallel/life_signs.h"
#include "parallel/rank_group.h"
#include "t3video/ranks.h"

namespace t3 {

// Rank 0 gives orders, the others carry them out: between an Order and its End, and between Next
// and Answer, all ranks exchange the same tensors. Orders go through the store, where a rank may
// wait for the next as long as all live. Not thread-safe.
class Team {
 public:
  // Waits until all ranks have come. Throws Error that names those that have not.
  Team(const RankPlace& place, at::Device device);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int64_t rank() const { return place_.rank; }
  int64_t size() const { return place_.size; }
  at::Device device() const { return device_; }

  // All ranks.
  RankGroup& everyone() { return Among({}); }
  // These ranks, each of which calls this; {}: all. One group a list, made at the first call.
  RankGroup& Among(const std::vector<int64_t>& ranks);

  // Ends the connections of groups, which are made anew when they are used.
  void Disconnect();

  // Rank 0: all ranks carry out `order`; End waits for their answers. One that ends by an exception
  // leaves the ranks out of step, and no further one can be given, unless it is `stoppable`: the
  // others then wait for Pass before every exchange.
  class Order {
   public:
    Order(Team& team, const std::string& order, bool stoppable = false);
    void End();
    ~Order();
    Order(const Order&) = delete;
    Order& operator=(const Order&) = delete;

   private:
    Team& team_;
    bool stoppable_;
    bool ended_ = false;
  };
  bool in_step() const { return in_step_; }

  // Rank 0 comes to an exchange of a stoppable order, or stops the order. The others wait for it
  // without limit: what rank 0 does in between, such as writing a file, may take long.
  void Pass(bool go);
  void AwaitPass();  // throws OrderStopped
  struct OrderStopped {};

  // The others: the next order; and that it is done.
  std::string Next();
  void Answer();
  // Which rank failed and what it said; "" as far as known while all work.
  std::string Trouble() const { return signs_->Trouble(); }
  // Whether rank 0 has ended or failed, which it says itself.
  bool LeaderEnded() const;
  // Tells the others why this rank ends.
  void Report(const std::string& message) noexcept;

  // A value of every rank, by rank.
  std::vector<std::string> Share(const std::string& value);

  // Times exchanges, for measurements; seconds of all groups so far.
  void set_timed(bool timed);
  double exchange_seconds() const;

 private:
  c10::intrusive_ptr<c10d::Backend> MakeBackend(const BackendPlace& place) const;
  std::unique_ptr<RankGroup> Connect(const std::vector<int64_t>& ranks);
  void FailOnTrouble() const;  // where a rank is lost
  // As long as all ranks live, or for `limit` as well.
  void Wait(const std::string& key, std::optional<double> limit = {});
  void Put(const std::string& key, const std::string& value);
  std::string Get(const std::string& key);  // waits
  std::string PassKey(int64_t pass) const;
  void MeetAll();

  RankPlace place_;
  at::Device device_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::optional<LifeSigns> signs_;
  std::map<std::vector<int64_t>, std::unique_ptr<RankGroup>> groups_;
  int64_t orders_ = 0;
  int64_t shared_ = 0;
  int64_t passes_ = 0;       // of the latest order
  int64_t connections_ = 0;  // times that the groups were connected anew
  bool in_step_ = true;
  bool timed_ = false;
};

}  // namespace t3
