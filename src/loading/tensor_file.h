// Safetensors files that t3 writes and reads back: latents, noise, text embeddings, video.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "weights/types.h"
#include "weights/weight_file.h"

namespace t3 {

// Writes the tensors (any device; made contiguous) in the order given. The file appears complete or
// not at all. Throws Error when it cannot be written.
void SaveTensors(const std::string& path,
                 const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                 const Metadata& metadata);

// A copy on the CPU, in the stored dtype. Throws Error that names the file and lists what it holds
// when it has no such tensor.
at::Tensor ReadTensor(const WeightFile& file, const std::string& name);

// Latents or noise (z,T,h,w) fp32 from `path`; a leading 1 is dropped. Throws Error for another
// rank, or when a value is not finite.
at::Tensor ReadLatents(const WeightFile& file, const std::string& name);

}  // namespace t3
