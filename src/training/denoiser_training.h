// What the trainings of a denoiser share: the base model, the dataset, the samples.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loading/model_info.h"
#include "runtime/stage.h"
#include "training/dit/dit_config.h"
#include "training/dit/prepared_source.h"
#include "training/loop/trainer.h"
#include "training/output_folder.h"
#include "training/train_ranks.h"

namespace t3 {

// Opens and checks the model that the weights come from. Throws Error where it lacks a part or does
// not fit.
ModelInfo OpenBase(const DitTrainConfig& config);

// Names of the model's files in the output.
std::vector<const char*> WrittenFiles(const DitTrainConfig& config);

// Whether a run has to make its dataset before anything can be said of it.
bool IsMadeFirst(const DitTrainConfig& config);

// Before a run: its dataset; nullptr for the world, and for a dataset that is still to be made.
std::unique_ptr<PreparedSource> FindDataset(const DitTrainConfig& config, const ModelInfo& model,
                                            PreparedDrafts drafts = PreparedDrafts::kIgnored);
// BatchSource::Digest of a run's data; `dataset`: nullptr for the world.
std::string DataDigest(const DitTrainConfig& config, const ModelInfo& model,
                       const PreparedSource* dataset);

// At the beginning of a run, by all ranks: rank 0 opens the output folder and makes the dataset
// where it is missing.
std::optional<OutputFolder> BeginOutput(const DitTrainConfig& config, const RunContext& context,
                                        TrainRanks& ranks);
// After that: the run's dataset; nullptr for the world.
std::unique_ptr<PreparedSource> OpenDataset(const DitTrainConfig& config, const ModelInfo& model,
                                            PreparedDrafts drafts = PreparedDrafts::kIgnored);

// The hooks that write samples. `config` and `context` must outlive them.
TrainHooks SampleHooks(const DitTrainConfig& config, const RunContext& context);

}  // namespace t3
