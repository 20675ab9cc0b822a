// The environments of launchers.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "base/parse_number.h"
#include "t3video/ranks.h"

namespace t3 {
namespace {

// Names of one launcher's variables.
struct Launcher {
  const char* name;
  const char* rank;
  const char* size;
  const char* local_rank;
  const char* local_size;
};
constexpr Launcher kLaunchers[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
    {"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE"},
    // Not SLURM_NTASKS, which an allocation also sets for a shell and for the batch script.
    {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE"}};

std::optional<int64_t> Number(const EnvironmentFn& environment, const char* name) {
  const char* const text = environment(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  const std::optional<int64_t> value = ParseNumber<int64_t>(text);
  if (!value || *value < 0)
    FailUsage("the environment has {}='{}'; wanted a whole number from 0", name, text);
  return value;
}

int64_t Wanted(const EnvironmentFn& environment, const Launcher& launcher, const char* name) {
  const std::optional<int64_t> value = Number(environment, name);
  if (!value) {
    FailUsage(
        "{} is set and {} is not; {} sets both. Start every process by one launcher, or "
        "unset {}",
        launcher.size, name, launcher.name, launcher.size);
  }
  return *value;
}

// "node[03-07,11]" -> "node03", "a,b" -> "a".
std::string FirstHost(std::string_view list) {
  const size_t bracket = list.find('[');
  if (bracket >= list.find(',')) return std::string(list.substr(0, list.find(',')));
  const std::string_view inside = list.substr(bracket + 1);
  return std::string(list.substr(0, bracket)) +
         std::string(inside.substr(0, inside.find_first_of(",-]")));
}

// Where rank 0 listens: as the environment says, else what each launcher lets one work out.
void FindAddress(const EnvironmentFn& environment, RankPlace& place) {
  const char* const address = environment("MASTER_ADDR");
  const char* const nodes = environment("SLURM_STEP_NODELIST");
  if (address != nullptr && *address != '\0') {
    place.address = address;
  } else if (place.size > place.local_size) {
    if (nodes == nullptr || *nodes == '\0')
      FailUsage(
          "{} ranks, {} of them on this machine, and MASTER_ADDR is not set; set it to the "
          "name of rank 0's machine on every machine",
          place.size, place.local_size);
    place.address = FirstHost(nodes);
  }
  // Jobs of one cluster that share a machine should not share a port.
  const std::optional<int64_t> job = Number(environment, "SLURM_JOB_ID");
  if (const auto port = Number(environment, "MASTER_PORT")) {
    place.port = *port;
  } else if (job) {
    place.port = 20000 + *job % 20000;
  }
  if (place.port < 1 || place.port > 65535)
    FailUsage("the environment has MASTER_PORT={}; wanted 1 to 65535", place.port);
  const char* const agent = environment("TORCHELASTIC_USE_AGENT_STORE");
  place.hosted = agent != nullptr && std::string_view(agent) == "True";
}

}  // namespace

RankPlace FindRankPlace(const EnvironmentFn& environment) {
  RankPlace place;
  if (const auto seconds = Number(environment, "T3_RANK_TIMEOUT"))
    place.patience = static_cast<double>(std::max<int64_t>(*seconds, 1));
  for (const Launcher& launcher : kLaunchers) {
    const std::optional<int64_t> size = Number(environment, launcher.size);
    if (!size || *size < 2) continue;
    place.size = *size;
    place.rank = Wanted(environment, launcher, launcher.rank);
    if (place.rank >= place.size) {
      FailUsage("the environment has {}={} and {}={}; ranks count from 0 to {}", launcher.rank,
                place.rank, launcher.size, place.size, place.size - 1);
    }
    place.local_rank = Number(environment, launcher.local_rank).value_or(place.rank);
    place.local_size = std::clamp<int64_t>(
        Number(environment, launcher.local_size).value_or(place.size), 1, place.size);
    FindAddress(environment, place);
    return place;
  }
  return place;
}

RankPlace FindRankPlace() {
  return FindRankPlace([](const char* name) { return std::getenv(name); });
}

}  // namespace t3
