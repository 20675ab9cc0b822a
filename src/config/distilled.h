// Weights that people have distilled to few steps: how their files are recognised and sampled.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/model_config.h"
#include "config/sampling_config.h"

namespace t3 {

struct DistilledWeights {
  const char* name;
  int64_t dim;  // of the denoiser; 0: any
  // Part of the name of a tensor that no other file has; "": none.
  const char* tensor;
  // Parts of the file's name, all of which it has, as SimplifiedName writes them. A LoRA's name has
  // the same parts.
  std::vector<std::string> words;
  SamplingConfig sampling;
};

// What a file shows of itself.
struct FileTraits {
  int64_t dim = 0;  // of the denoiser, also for a LoRA
  // The file's name without its folder; then, where programs give every model's file this name
  // ("diffusion_pytorch_model"), those of its folders, the innermost first.
  std::vector<std::string> names;
  std::function<bool(std::string_view part)> has_tensor;
};

struct DistilledMatch {
  const DistilledWeights* weights = nullptr;  // nullptr: none
  bool by_tensor = false;                     // else by name
};
DistilledMatch FindDistilledWeights(const FileTraits& file);

// The name of a method whose weights attend to earlier frames only ("Self-Forcing"), by the file's
// own name and that of its folder; "" for others.
std::string CausalMethodOf(const FileTraits& file);

// "Wan2.2-TI2V_5B.pt" -> "_wan2_2_ti2v_5b_pt_".
std::string SimplifiedName(std::string_view name);

}  // namespace t3
