// Checkpoints of a training run: OUTPUT/checkpoints/step-N/ with state.safetensors and state.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "nn/tensor_map.h"
#include "training/loop/train_config.h"

namespace t3 {

struct Checkpoint {
  int64_t step = 0;   // steps done
  TensorMap tensors;  // on the CPU
  // What a run that resumes from it must share: ResumeSettings::recorded and Task::Identity.
  nlohmann::json settings, identity;
  std::string path;
  bool is_earlier = false;  // of a version that recorded less of the identity
};

class CheckpointFolder {
 public:
  // Touches nothing.
  CheckpointFolder(const std::string& output, int64_t keep);

  // Creates the folder and removes what an interrupted Write left in it. Only for the one run that
  // writes here. Throws Error when the folder cannot be created.
  void Prepare() const;
  // The second of these alone.
  void RemoveUnfinished() const;

  // Writes under a temporary name, flushes to disk and renames: a checkpoint is complete or absent.
  // Then removes older ones but for the newest `keep`, and before it where the disk has no room
  // otherwise: then but for `keep` - 1, and for one at least; damaged ones are not counted among
  // these, and later ones, which a run that could not read them leaves behind, are not touched.
  // Throws Error when the checkpoint cannot be written, or the disk has no room for it; earlier
  // ones stay. `spare`: this time so many more than `keep`.
  std::string Write(int64_t step, const TensorMap& tensors, const nlohmann::json& settings,
                    const nlohmann::json& identity, int64_t spare = 0) const;

  // Steps of those that are there, the newest first; damaged ones are not told apart.
  std::vector<int64_t> Steps() const;

  // "The same command continues from the checkpoint of step 20", or that it begins again.
  std::string ContinuationText() const;

  // The newest complete one; nullopt without any. Damaged ones, whose tensors do not match the
  // digest in state.json, are skipped with a warning.
  std::optional<Checkpoint> Newest() const;

 private:
  void MakeRoom(int64_t step, int64_t bytes, int64_t keep) const;
  // The folders of those up to `newest`, but for the newest `keep` and damaged ones among them.
  std::vector<std::string> Old(int64_t newest, int64_t keep) const;

  std::string folder_;
  int64_t keep_;
};

// Throws Error that names the fields in which the checkpoint differs from a run of `config` with
// `identity`. Those of the identity that an earlier version's checkpoint lacks are named in a
// warning.
void CheckSameRun(const Checkpoint& checkpoint, const TrainConfig& config,
                  const nlohmann::json& identity);

// Throws Error where the checkpoint is beyond the last step of `config`.
void CheckStepsLeft(const Checkpoint& checkpoint, const TrainConfig& config);

}  // namespace t3
