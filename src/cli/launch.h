// The processes of a run on several GPUs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "t3video/options.h"

namespace t3 {

class Children;

// What the program was started with, for the processes that it starts; main calls this first.
void KeepArguments(int argc, char** argv);
const std::vector<std::string>& KeptArguments();
// From now on with these as well, of which the later ones count.
void AddArguments(const std::vector<std::string>& more);

// This process's environment with these variables.
std::vector<std::string> EnvironmentWith(
    const std::vector<std::pair<std::string, std::string>>& values);

// The number of GPUs that --gpus names; 1 where it is absent. Throws Error of kind kUsage.
int64_t CheckedGpus(const std::optional<int64_t>& gpus);

// The ranks of a command: those that a launcher started (torchrun, mpirun, srun), or options.gpus
// processes of this machine, of which this one is rank 0 and starts the others with its own
// arguments. What they write to stderr appears with their number. Sets options.ranks. To be
// destroyed after the engine: waits until the others have ended.
class Ranks {
 public:
  // Throws Error of kind kUsage where options.gpus contradicts the launcher.
  explicit Ranks(RunOptions& options);
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

 private:
  std::unique_ptr<Children> children_;  // none where a launcher started the ranks
};

}  // namespace t3
