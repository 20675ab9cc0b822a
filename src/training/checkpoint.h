// Checkpoints of a training run: OUTPUT/checkpoints/step-N/ with state.safetensors and state.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "nn/tensor_map.h"

namespace t3 {

struct Checkpoint {
  int64_t step = 0;        // steps taken
  TensorMap tensors;       // on the CPU
  nlohmann::json matters;  // what the next run must share (FieldsThatMatter and the model)
  std::string path;
};

class CheckpointFolder {
 public:
  // Creates OUTPUT/checkpoints and clears what an interrupted write left there.
  CheckpointFolder(const std::string& output, int64_t keep);

  // Writes under a temporary name, flushes to disk and renames, so that a checkpoint is whole or
  // not there; then removes all but the newest `keep`. Throws Error when the disk is full or cannot
  // be written; earlier checkpoints stay.
  std::string Write(int64_t step, const TensorMap& tensors, const nlohmann::json& matters) const;

  // The newest that is whole; nullopt when there is none. One with damaged files is passed over
  // with a warning.
  std::optional<Checkpoint> Newest() const;

 private:
  std::string folder_;
  int64_t keep_;
};

// Throws Error that names the fields in which the checkpoint differs from this run.
void CheckSameRun(const Checkpoint& checkpoint, const nlohmann::json& matters);

}  // namespace t3
