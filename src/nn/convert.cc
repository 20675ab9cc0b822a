// Rewriting: each tensor is loaded, merged, cast and written before the next.
#include "nn/convert.h"

#include <ATen/ATen.h>

#include "weights/safetensors_writer.h"

namespace t3 {
namespace {

at::ScalarType OutputType(const TensorView& view, const std::string& name,
                          const ConvertOptions& options) {
  if (options.as_codes && options.as_codes(name)) return at::kFloat8_e4m3fn;
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

// The tensors that stand for one of the network.
void AddInfos(const TensorSpec& spec, const LoadOptions& load, std::vector<TensorInfo>* infos) {
  const at::ScalarType type = load.dtype_for(spec.name);
  infos->push_back({spec.name, ToDType(type), spec.shape});
  if (type == at::kFloat8_e4m3fn)
    infos->push_back({spec.name + "_scale", DType::kF32, {spec.shape.front(), 1}});
}

}  // namespace

void ConvertWeights(const NamedViews& views, const TensorTable& table, const Naming& naming,
                    const ConvertOptions& options, const std::string& path) {
  CheckComplete(views, table, naming.network);
  const LoraStack loras(options.loras, table, naming);
  LoadOptions load;
  load.dtype_for = [&](const std::string& name) {
    return OutputType(views.tensors.at(name), name, options);
  };
  std::vector<TensorInfo> infos;
  for (const TensorSpec& spec : table) AddInfos(spec, load, &infos);
  int64_t total = 0;
  for (const TensorInfo& info : infos) total += ContiguousBytes(info.shape, info.dtype).value();
  Metadata metadata = KeptMetadata(views.metadata);
  for (const auto& [key, value] : options.metadata) metadata[key] = value;
  SafetensorsStream stream(path, infos, metadata);
  int64_t done = 0;
  const auto write = [&](const std::string& name, const at::Tensor& tensor) {
    stream.Write(name, static_cast<const std::byte*>(tensor.const_data_ptr()),
                 static_cast<int64_t>(tensor.nbytes()));
    done += static_cast<int64_t>(tensor.nbytes());
    if (options.progress) options.progress(done, total);
  };
  for (const TensorSpec& spec : table) {
    if (load.dtype_for(spec.name) == at::kFloat8_e4m3fn) {
      const Fp8Weight weight = LoadFp8Weight(views, spec.name, loras, load);
      write(spec.name, weight.codes);
      write(spec.name + "_scale", weight.scale);
      continue;
    }
    const at::Tensor weight = LoadTensor(views, spec.name, loras, load);
    CheckFinite(weight, views, spec.name);
    write(spec.name, weight);
  }
  stream.Finish();
}

}  // namespace t3
