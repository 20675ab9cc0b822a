// Settings of the task "vae": training a VAE (docs/reference/training.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "training/loop/train_config.h"
#include "training/vae/vae_loss.h"
#include "training/vae/world_clips_config.h"

namespace t3 {

struct VaeTrainConfig : TrainConfig {
  WorldClipsConfig world;
  VaeLossOptions loss;
  bool decoder_only = false;  // the encoder is frozen, so latents stay as they are
};

// Every field typed and checked; throws Error that names the field. `source` names the file.
VaeTrainConfig ParseVaeTrainConfig(const nlohmann::json& document, const std::string& source);

}  // namespace t3
