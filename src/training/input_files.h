// The files that a training reads and must not write over.
#pragma once

#include <string>
#include <vector>

#include "loading/model_info.h"
#include "training/loop/train_config.h"

namespace t3 {

struct InputFile {
  std::string part;  // for messages: "LoRA of \"teacher\""
  std::string path;
  bool is_denoiser = false;
};

// The files of a model that `field` of the configuration names.
std::vector<InputFile> InputsOf(const ModelInfo& model, const std::string& field);

// Throws Error where the training would write one of its inputs, or the configuration: in
// config.output as one of the files `written` or in a folder of checkpoints, samples or models, or
// as config.profile. A denoiser must not lie in config.output under any name.
void CheckInputsStay(const TrainConfig& config, const std::vector<const char*>& written,
                     std::vector<InputFile> inputs);

}  // namespace t3
