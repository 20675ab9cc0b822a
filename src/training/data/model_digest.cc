// Digests tensors in the order of their names.
#include "training/data/model_digest.h"

#include "base/check.h"
#include "base/digest.h"
#include "base/mapped_file.h"
#include "loading/load_models.h"

namespace t3 {
namespace {

std::string TensorLines(const NamedViews& views) {
  std::string lines;
  for (const auto& [name, view] : views.tensors) {
    const uint64_t digest = Digest(std::span(view.data, static_cast<size_t>(view.bytes)));
    lines += fmt::format("{} {} {} {}\n", name, DTypeName(view.dtype), fmt::join(view.shape, ","),
                         DigestText(digest));
  }
  for (const auto& [name, view] : views.scales) {
    lines += fmt::format("scale {} {}\n", name,
                         DigestText(Digest(std::span(view.data, static_cast<size_t>(view.bytes)))));
  }
  return lines;
}

uint64_t TokenizerDigest(const ModelInfo& model) {
  if (!model.paths.tokenizer.empty()) return Digest(MappedFile(model.paths.tokenizer).bytes());
  const TensorView& bytes = model.text_views.file->tensors().at("spiece_model");
  return Digest(std::span(bytes.data, static_cast<size_t>(bytes.bytes)));
}

}  // namespace

ModelDigests DigestModel(const ModelInfo& model) {
  CheckVae(model);
  CheckTextEncoder(model);
  const std::string vae = TensorLines(model.vae_views) +
                          fmt::format("mean {}\nstd {}\n", fmt::join(model.vae->mean, ","),
                                      fmt::join(model.vae->std, ","));
  const std::string text =
      TensorLines(model.text_views) + "tokenizer " + DigestText(TokenizerDigest(model));
  return {DigestText(Digest(vae)), DigestText(Digest(text))};
}

std::string DigestDecoder(const ModelInfo& model) {
  if (!model.decoder) return "";
  CheckDecoder(model);
  return DigestText(Digest(TensorLines(model.decoder->views)));
}

}  // namespace t3
