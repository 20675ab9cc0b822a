// Starting ranks.
#include "cli/launch.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/free_port.h"
#include "base/log.h"
#include "base/spawn.h"
#include "cli/children.h"

namespace t3 {
namespace {

std::vector<std::string> own_arguments;

constexpr int64_t kMaxGpus = 64;  // of one machine

// This process's environment with what a launcher would set.
std::vector<std::string> EnvironmentOf(const RankPlace& place) {
  const std::array<std::pair<std::string, std::string>, 7> ours{
      {{"RANK", std::to_string(place.rank)},
       {"WORLD_SIZE", std::to_string(place.size)},
       {"LOCAL_RANK", std::to_string(place.local_rank)},
       {"LOCAL_WORLD_SIZE", std::to_string(place.local_size)},
       {"MASTER_ADDR", place.address},
       {"MASTER_PORT", std::to_string(place.port)},
       {"TORCHELASTIC_USE_AGENT_STORE", ""}}};
  return EnvironmentWith({ours.begin(), ours.end()});
}

// Ranks 1 and up of `first`, which is rank 0.
std::vector<ChildStart> OtherRanks(const RankPlace& first) {
  std::vector<ChildStart> starts;
  for (int64_t rank = 1; rank < first.size; ++rank) {
    RankPlace place = first;
    place.rank = place.local_rank = rank;
    starts.push_back({fmt::format("rank {}", rank), own_arguments, EnvironmentOf(place)});
  }
  return starts;
}

}  // namespace

void KeepArguments(int argc, char** argv) { own_arguments.assign(argv, argv + argc); }

const std::vector<std::string>& KeptArguments() { return own_arguments; }

void AddArguments(const std::vector<std::string>& more) {
  own_arguments.insert(own_arguments.end(), more.begin(), more.end());
}

std::vector<std::string> EnvironmentWith(
    const std::vector<std::pair<std::string, std::string>>& values) {
  std::vector<std::string> environment;
  for (const std::string& entry : OwnEnvironment()) {
    const std::string name = entry.substr(0, entry.find('='));
    const auto replaces = [&](const auto& value) { return value.first == name; };
    if (std::ranges::none_of(values, replaces)) environment.push_back(entry);
  }
  for (const auto& [name, value] : values) environment.push_back(fmt::format("{}={}", name, value));
  return environment;
}

int64_t CheckedGpus(const std::optional<int64_t>& gpus) {
  const int64_t count = gpus.value_or(1);
  if (count < 1 || count > kMaxGpus)
    FailUsage("`gpus` {} is not a number of GPUs; wanted 1 to {}", count, kMaxGpus);
  return count;
}

Ranks::Ranks(RunOptions& options) {
  const int64_t gpus = CheckedGpus(options.gpus);
  options.ranks = FindRankPlace();
  RankPlace& place = options.ranks;
  if (place.size > 1) {
    if (options.gpus && gpus != place.size)
      FailUsage("`gpus` {}, but the environment is that of {} ranks; leave `gpus` out", gpus,
                place.size);
    if (place.rank > 0) spdlog::set_level(spdlog::level::err);  // rank 0 says the same
    return;
  }
  if (gpus == 1) return;
  place.size = place.local_size = gpus;
  place.address = "127.0.0.1";
  place.port = FreePort();
  children_ = std::make_unique<Children>(OtherRanks(place));
  place.watch = [children = children_.get()] { return children->Trouble(); };
}

Ranks::~Ranks() = default;

}  // namespace t3
