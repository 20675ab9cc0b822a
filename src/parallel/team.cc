// Rendezvous, orders and groups.
#include "parallel/team.h"

#include <algorithm>
#include <functional>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "base/check.h"
#include "base/failure.h"
#include "base/text.h"
#include "parallel/watched_call.h"

namespace t3 {
namespace {

using std::chrono::steady_clock;

constexpr double kSecondsToMeet = 120;     // processes start at different times
constexpr double kSecondsToConnect = 300;  // NCCL tries every network that a machine has
constexpr int64_t kKeptPasses = 8;         // more than a rank can be behind

std::vector<uint8_t> ToBytes(const std::string& text) { return {text.begin(), text.end()}; }

c10::intrusive_ptr<c10d::Store> OpenStore(const RankPlace& place) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(place.port);
  options.isServer = place.rank == 0 && !place.hosted;
  options.waitWorkers = false;
  options.timeout = std::chrono::milliseconds(static_cast<int64_t>(1000 * kSecondsToMeet));
  try {
    // Beside what a launcher keeps in the same store.
    return c10::make_intrusive<c10d::PrefixStore>(
        "t3video", c10::make_intrusive<c10d::TCPStore>(place.address, options));
  } catch (...) {
    Fail(
        "rank {} of {} cannot {} {}:{}: {}. MASTER_ADDR and MASTER_PORT name the place where rank "
        "0 listens",
        place.rank, place.size, options.isServer ? "listen at" : "reach rank 0 at", place.address,
        place.port, CurrentError().what());
  }
}

}  // namespace

Team::Team(const RankPlace& place, at::Device device)
    : place_(place), device_(device), store_(OpenStore(place)) {
  signs_.emplace(store_->clone(), place, std::chrono::duration<double>(place.patience / 2));
  MeetAll();
}

Team::~Team() = default;

void Team::MeetAll() {
  store_->add("joined", 1);
  const auto begin = steady_clock::now();
  const auto missing = [&] {
    std::vector<int64_t> ranks;
    for (int64_t rank = 0; rank < size(); ++rank) {
      if (!store_->check({LifeSigns::SignKey(rank)})) ranks.push_back(rank);
    }
    return ranks;
  };
  PollUntil([&] { return store_->add("joined", 0) >= size(); },
            [&] {
              if (const std::string trouble = signs_->Trouble(); !trouble.empty())
                Fail("the ranks cannot begin: {}", trouble);
              const auto waited = std::chrono::duration<double>(steady_clock::now() - begin);
              if (waited.count() < kSecondsToMeet) return;
              Fail(
                  "{} ranks were to come, and {} {} not within {:.0f} s: ranks {}. Each is one "
                  "process of the same command; is MASTER_ADDR {} the same for all?",
                  size(), Counted(std::ssize(missing()), "rank"),
                  missing().size() == 1 ? "has" : "have", kSecondsToMeet,
                  fmt::join(missing(), ", "), place_.address);
            });
}

void Team::Disconnect() {
  groups_.clear();
  ++connections_;
}

RankGroup& Team::Among(const std::vector<int64_t>& some) {
  std::vector<int64_t> ranks = some;
  for (int64_t i = 0; some.empty() && i < size(); ++i) ranks.push_back(i);
  std::unique_ptr<RankGroup>& group = groups_[ranks];
  if (!group) group = Connect(ranks);
  return *group;
}

c10::intrusive_ptr<c10d::Backend> Team::MakeBackend(const BackendPlace& place) const {
  const auto begin = steady_clock::now();
  const auto check = [&] {
    FailOnTrouble();
    const std::chrono::duration<double> waited = steady_clock::now() - begin;
    if (waited.count() > kSecondsToConnect)
      Fail("connecting took more than {:.0f} s; with NCCL_DEBUG=INFO NCCL says what it waits for",
           kSecondsToConnect);
  };
  return WatchedCall<c10::intrusive_ptr<c10d::Backend>>(
      [place, device = device_] {
        return device.is_cuda() ? MakeNccl(place, device) : MakeGloo(place);
      },
      check);
}

std::unique_ptr<RankGroup> Team::Connect(const std::vector<int64_t>& ranks) {
  const auto self = std::find(ranks.begin(), ranks.end(), rank());
  T3_CHECK(self != ranks.end(), "Team: rank {} is not among ranks {}", rank(),
           fmt::join(ranks, ", "));
  const std::string name = fmt::format("group/{}/{}", connections_, fmt::join(ranks, "-"));
  // The store notices a rank that does not come, which connecting would wait for.
  Put(fmt::format("{}/comes/{}", name, rank()), "yes");
  for (const int64_t other : ranks) Wait(fmt::format("{}/comes/{}", name, other), place_.patience);
  BackendPlace place;
  // On a connection of its own: one that waits for a rank that is gone keeps it.
  place.store = c10::make_intrusive<c10d::PrefixStore>(name, store_->clone());
  place.rank = static_cast<int>(self - ranks.begin());
  place.size = static_cast<int>(ranks.size());
  place.address = place_.address;
  place.patience = std::chrono::milliseconds(static_cast<int64_t>(1000 * place_.patience));
  const auto abort_all = [this] {
    for (const auto& [members, each] : groups_) {
      if (each) each->Abort();
    }
  };
  try {
    auto group =
        std::make_unique<RankGroup>(MakeBackend(place), *signs_, device_,
                                    std::chrono::duration<double>(place_.patience), abort_all);
    group->set_timed(timed_);
    return group;
  } catch (...) {
    const std::string trouble = signs_->TroubleSoon();
    Fail("the ranks cannot connect: {}", trouble.empty() ? CurrentError().what() : trouble);
  }
}

void Team::FailOnTrouble() const {
  if (const std::string trouble = signs_->Trouble(); !trouble.empty())
    Fail("the ranks cannot go on together: {}", trouble);
}

void Team::Put(const std::string& key, const std::string& value) {
  try {
    store_->set(key, ToBytes(value));
  } catch (...) {
    Fail("the ranks cannot go on together: {}", CurrentError().what());
  }
}

void Team::Wait(const std::string& key, std::optional<double> limit) {
  const auto begin = steady_clock::now();
  PollUntil(
      [&] {
        try {
          return store_->check({key});
        } catch (...) {
          Fail("the ranks cannot go on together: rank 0 has ended");
        }
      },
      [&] {
        FailOnTrouble();
        const std::chrono::duration<double> waited = steady_clock::now() - begin;
        if (limit && waited.count() > *limit)
          Fail("the ranks cannot go on together: one did not come within {:.0f} s", *limit);
      });
}

std::string Team::Get(const std::string& key) {
  Wait(key);
  const std::vector<uint8_t> value = store_->get(key);
  return {value.begin(), value.end()};
}

Team::Order::Order(Team& team, const std::string& order, bool stoppable)
    : team_(team), stoppable_(stoppable) {
  if (!team.in_step_) Fail("the ranks are out of step after an earlier error; start the run again");
  team.passes_ = 0;
  team.Put(fmt::format("order/{}", ++team.orders_), order);
}

void Team::Order::End() {
  for (int64_t rank = 1; rank < team_.size(); ++rank)
    team_.Wait(fmt::format("answer/{}/{}", team_.orders_, rank));
  // All have read it.
  team_.store_->deleteKey(fmt::format("order/{}", team_.orders_));
  for (int64_t rank = 1; rank < team_.size(); ++rank)
    team_.store_->deleteKey(fmt::format("answer/{}/{}", team_.orders_, rank));
  for (int64_t pass = std::max<int64_t>(team_.passes_ - kKeptPasses, 0) + 1; pass <= team_.passes_;
       ++pass)
    team_.store_->deleteKey(team_.PassKey(pass));
  ended_ = true;
}

Team::Order::~Order() {
  if (ended_) return;
  team_.in_step_ = false;
  if (!stoppable_) return;
  try {
    team_.Pass(false);
    End();
    team_.in_step_ = true;
  } catch (...) {  // the error that ended the order is the one to know
  }
}

std::string Team::Next() {
  passes_ = 0;
  return Get(fmt::format("order/{}", ++orders_));
}

bool Team::LeaderEnded() const { return signs_->TroubleSoon().starts_with("rank 0"); }

void Team::Answer() { Put(fmt::format("answer/{}/{}", orders_, rank()), "done"); }

void Team::Report(const std::string& message) noexcept {
  try {
    store_->set(LifeSigns::FailureKey(rank()), ToBytes(message));
  } catch (...) {  // rank 0 has ended, and with it the store
  }
}

void Team::Pass(bool go) {
  Put(PassKey(++passes_), go ? "go" : "stop");
  if (passes_ > kKeptPasses) store_->deleteKey(PassKey(passes_ - kKeptPasses));
}

// By order: one that stops after its last exchange leaves a pass that nobody waits for.
std::string Team::PassKey(int64_t pass) const { return fmt::format("pass/{}/{}", orders_, pass); }

void Team::AwaitPass() {
  if (Get(PassKey(++passes_)) != "go") throw OrderStopped();
}

std::vector<std::string> Team::Share(const std::string& value) {
  const int64_t number = ++shared_;
  Put(fmt::format("share/{}/{}", number, rank()), value);
  std::vector<std::string> values;
  for (int64_t i = 0; i < size(); ++i) values.push_back(Get(fmt::format("share/{}/{}", number, i)));
  return values;
}

void Team::set_timed(bool timed) {
  timed_ = timed;
  for (const auto& [ranks, group] : groups_) {
    if (group) group->set_timed(timed);
  }
}

double Team::exchange_seconds() const {
  double seconds = 0;
  for (const auto& [ranks, group] : groups_) {
    if (group) seconds += group->seconds();
  }
  return seconds;
}

}  // namespace t3
