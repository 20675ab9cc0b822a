// Settings of the task "vae": training a VAE (docs/reference/training.md).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "training/loop/train_config.h"
#include "training/vae/vae_loss.h"
#include "training/vae/world_clips_config.h"

namespace t3 {

// A small decoder that learns from the VAE, which is then not trained.
struct DecoderStudentConfig {
  std::string decoder;          // its file: a TAEHV, or a VAE whose decoder is taken
  bool teacher_frames = false;  // learn what the VAE decodes, not the clips themselves
  bool operator==(const DecoderStudentConfig&) const = default;
};

struct VaeTrainConfig : TrainConfig {
  WorldClipsConfig world;
  VaeLossOptions loss;
  bool decoder_only = false;  // the encoder is frozen, so latents stay as they are
  std::optional<DecoderStudentConfig> student;
  int64_t gates_every = 0;  // steps between measures of the student on held-out clips; 0: never
  bool operator==(const VaeTrainConfig&) const = default;
};

// Every field typed and checked; throws Error that names the field. `source` names the file.
VaeTrainConfig ParseVaeTrainConfig(const nlohmann::json& document, const std::string& source);

}  // namespace t3
