// Rewriting: each tensor is loaded, merged, cast and written before the next.
#include "nn/convert.h"

#include <ATen/ATen.h>

#include "weights/safetensors_writer.h"

namespace t3 {
namespace {

at::ScalarType OutputType(const TensorView& view, const ConvertOptions& options) {
  if (options.dtype) return *options.dtype;
  // A dequantised weight has no exact fp8 form with a LoRA or without its scale.
  if (view.dtype == DType::kF8E4M3 || view.dtype == DType::kF8E5M2) return at::kBFloat16;
  return ToScalarType(view.dtype);
}

}  // namespace

void ConvertWeights(const NamedViews& views, const TensorTable& table, const Naming& naming,
                    const ConvertOptions& options, const std::string& path) {
  CheckComplete(views, table, naming.network);
  const LoraStack loras(options.loras, table, naming);
  LoadOptions load;
  load.dtype_for = [&](const std::string& name) {
    return OutputType(views.tensors.at(name), options);
  };
  std::vector<TensorInfo> infos;
  int64_t total = 0;
  for (const TensorSpec& spec : table) {
    infos.push_back({spec.name, ToDType(load.dtype_for(spec.name)), spec.shape});
    total += spec.elements() * DTypeSize(infos.back().dtype);
  }
  Metadata metadata = views.metadata;
  for (const auto& [key, value] : options.metadata) metadata[key] = value;
  SafetensorsStream stream(path, infos, metadata);
  int64_t done = 0;
  for (const TensorSpec& spec : table) {
    const at::Tensor weight = LoadTensor(views, spec.name, loras, load);
    CheckFinite(weight, views, spec.name);
    stream.Write(spec.name, static_cast<const std::byte*>(weight.const_data_ptr()),
                 static_cast<int64_t>(weight.nbytes()));
    done += static_cast<int64_t>(weight.nbytes());
    if (options.progress) options.progress(done, total);
  }
  stream.Finish();
}

}  // namespace t3
