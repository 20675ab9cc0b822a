// Digests tensors in the order of their names, and files.
#include "training/data/model_digest.h"

#include "base/check.h"
#include "base/digest.h"
#include "base/mapped_file.h"
#include "loading/load_models.h"
#include "nn/weights_digest.h"
#include "weights/lora_strength.h"

namespace t3 {
namespace {

std::string DigestFile(const std::string& path) {
  return DigestText(Digest(MappedFile(path).bytes()));
}

}  // namespace

ModelDigests DigestModel(const ModelInfo& model) {
  CheckVae(model);
  CheckTextEncoder(model);
  const std::string vae = WeightsLines(model.vae_views) +
                          fmt::format("mean {}\nstd {}\n", fmt::join(model.vae->mean, ","),
                                      fmt::join(model.vae->std, ","));
  const std::string text = WeightsLines(model.text_views) + "tokenizer " + DigestTokenizer(model);
  return {DigestText(Digest(vae)), DigestText(Digest(text))};
}

std::string DigestDecoder(const ModelInfo& model) {
  if (!model.decoder) return "";
  CheckDecoder(model);
  return WeightsDigest(model.decoder->views);
}

std::string DigestTokenizer(const ModelInfo& model) {
  if (!model.paths.tokenizer.empty()) return DigestFile(model.paths.tokenizer);
  if (!model.text_views.file) return "";
  const TensorViews& tensors = model.text_views.file->tensors();
  const auto bytes = tensors.find("spiece_model");
  if (bytes == tensors.end()) return "";
  return DigestText(
      Digest(std::span(bytes->second.data, static_cast<size_t>(bytes->second.bytes))));
}

std::string DigestLoras(const ModelInfo& model) {
  std::string text;
  for (const Lora& lora : model.loras) {
    text += fmt::format("{}{} x {}", text.empty() ? "" : " + ", DigestFile(lora.path), lora.scale);
    const std::string config = AdapterConfigBeside(lora.path);
    if (!config.empty()) text += " by " + DigestFile(config);
  }
  return text.empty() ? "none" : text;
}

}  // namespace t3
