// Conversion between libtorch tensors and src/weights.
#include "loading/tensor_file.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "base/text.h"
#include "nn/load.h"
#include "weights/safetensors_writer.h"

namespace t3 {

void SaveTensors(const std::string& path,
                 const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                 const Metadata& metadata) {
  std::vector<at::Tensor> copies;  // alive until they are written
  std::vector<NamedTensorRef> refs;
  for (const auto& [name, tensor] : tensors) {
    copies.push_back(tensor.detach().cpu().contiguous());
    const at::Tensor& data = copies.back();
    refs.push_back({name, ToDType(data.scalar_type()), data.sizes().vec(),
                    static_cast<const std::byte*>(data.const_data_ptr()),
                    static_cast<int64_t>(data.nbytes())});
  }
  WriteSafetensors(path, refs, metadata);
}

at::Tensor ReadTensor(const WeightFile& file, const std::string& name) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) {
    std::vector<std::string> names;
    for (const auto& entry : file.tensors()) {
      if (names.size() < 8) names.push_back(entry.first);
    }
    Fail("{} has no tensor '{}'; it holds {}: {}", file.path(), name,
         Counted(std::ssize(file.tensors()), "tensor"), fmt::join(names, ", "));
  }
  return ToTensor(found->second);
}

at::Tensor ReadLatents(const WeightFile& file, const std::string& name) {
  at::Tensor latents = ReadTensor(file, name);
  if (latents.dim() == 5 && latents.size(0) == 1) latents = latents.squeeze(0);
  T3_CHECK(latents.dim() == 4 && latents.numel() > 0 && latents.is_floating_point(),
           "{}: tensor {} has shape ({}) and type {}, wanted floating point (z,T,h,w)", file.path(),
           name, fmt::join(latents.sizes(), ","), toString(latents.scalar_type()));
  latents = latents.to(at::kFloat);
  T3_CHECK(latents.isfinite().all().item<bool>(), "{}: tensor {} holds values that are not finite",
           file.path(), name);
  return latents;
}

}  // namespace t3
