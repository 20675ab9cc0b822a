// Rewrites weight files under canonical names.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nn/load.h"

namespace t3 {

struct ConvertOptions {
  std::optional<at::ScalarType> dtype;  // absent: as stored; fp8, int8 and GGUF become bf16
  // Matrices that become e4m3 codes, with a scale per row (out, 1) beside each, "X.weight_scale",
  // as LightX2V writes them; empty: none.
  std::function<bool(const std::string& name)> as_codes;
  std::vector<LoraSpec> loras;                                // merged in fp32
  Metadata metadata;                                          // overrides the file's own
  std::function<void(int64_t done, int64_t total)> progress;  // bytes written; may throw to stop
};

// Writes the tensors of `table` as safetensors to `path`, one at a time. Throws Error as
// LoadTensors does before anything is written, and for weights with NaN, infinity or values beyond
// the range of the output dtype. `path` is created atomically.
void ConvertWeights(const NamedViews& views, const TensorTable& table, const Naming& naming,
                    const ConvertOptions& options, const std::string& path);

}  // namespace t3
