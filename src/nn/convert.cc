// Rewriting: each tensor is loaded, merged, cast and written before the next.
#include "nn/convert.h"

#include <ATen/ATen.h>

#include "weights/safetensors_writer.h"

namespace t3 {
namespace {

at::ScalarType OutputType(const TensorView& view, const ConvertOptions& options) {
  if (options.dtype) return *options.dtype;
  // Without its scale, and with a LoRA, a weight has no exact form in the dtype it was stored in.
  const bool plain = IsFloat(view.dtype) && DTypeSize(view.dtype) > 1;
  return plain ? ToScalarType(view.dtype) : at::kBFloat16;
}

// Of the file's metadata, what holds for its weights in another form.
Metadata KeptMetadata(const Metadata& metadata) {
  Metadata kept;
  for (const auto& [key, value] : metadata) {
    const bool about_the_form = key == "_quantization_metadata" || key.starts_with("general.") ||
                                key.starts_with("tokenizer.");
    if (!about_the_form) kept.emplace(key, value);
  }
  return kept;
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
  Metadata metadata = KeptMetadata(views.metadata);
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
