// Several processes that work on one video: which of them this one is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace t3 {

// The place of a process among `size`, each with a device of its own. Rank 0 plans, reads and
// writes all files; the others do what it orders (Engine::Serve).
struct RankPlace {
  int64_t rank = 0;
  int64_t size = 1;
  int64_t local_rank = 0;             // among the ranks of this machine: the number of its GPU
  int64_t local_size = 1;             // ranks on this machine
  std::string address = "127.0.0.1";  // of rank 0's machine
  int64_t port = 29500;
  bool hosted = false;   // a launcher's agent already listens there (torchrun)
  double patience = 60;  // seconds until a rank that does not answer ends the run
  // What the starter of the ranks knows of one that has ended, "" while none has; may be empty.
  // Called from another thread.
  std::function<std::string()> watch = {};
};

// The value of an environment variable, nullptr where it is not set.
using EnvironmentFn = std::function<const char*(const char* name)>;

// The place that torchrun, mpirun or srun gives a process by its environment: RANK, WORLD_SIZE,
// LOCAL_RANK, MASTER_ADDR and MASTER_PORT; OMPI_COMM_WORLD_RANK, _SIZE and _LOCAL_RANK;
// SLURM_PROCID, SLURM_STEP_NUM_TASKS and SLURM_LOCALID. T3_RANK_TIMEOUT is `patience`. Without any
// of them the place of a process alone. Throws Error of kind kUsage for values that contradict each
// other.
RankPlace FindRankPlace(const EnvironmentFn& environment);
RankPlace FindRankPlace();  // of this process

}  // namespace t3
