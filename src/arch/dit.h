// Tensors of the denoiser (DiT): names, shapes, dtypes, naming schemes of files, and the sizes that
// they imply.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "config/model_config.h"

namespace t3 {

// Whether the tensor with this original name stays in fp32 whatever the dtype of the run:
// embeddings of patches and time, the head, modulation and norms. They are small, and sensitive to
// rounding.
bool IsFloatTensor(std::string_view name);

// Whether the tensor with this original name is a weight that is multiplied as e4m3 codes in runs
// of `dtype` fp8.
bool IsFp8Weight(std::string_view name);

// Bytes of the tensors of a denoiser, or of its blocks, in a run whose arithmetic has
// `element_bytes`; with `fp8` those that IsFp8Weight names are codes with a scale per row.
int64_t DitWeightBytes(const TensorTable& table, int64_t element_bytes, bool fp8);

// Original names, shapes as in the official files.
TensorTable DitTensors(const DitConfig& config);
// The same of one block, "blocks.0".
TensorTable DitBlockTensors(const DitConfig& config);

// Original, ComfyUI and diffusers names.
const Naming& DitNaming();

bool LooksLikeDit(const NamedViews& views);

// Sizes from the tensors. Heads, eps and text length from `config` (the folder's config.json,
// official or diffusers; may be null), else from metadata t3.*, else dim/128 heads, eps 1e-6 and
// 512 rows. Throws Error if the config contradicts the tensors, a tensor with a size is missing, or
// the file holds a variant that needs another network (arch/dit_variants.h).
DitConfig ReadDitConfig(const NamedViews& views, const nlohmann::json* config);

// Metadata from which ReadDitConfig reads what the tensors do not imply.
Metadata DitMetadata(const DitConfig& config);

}  // namespace t3
