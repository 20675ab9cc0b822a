// Loading networks, with progress.
#include "loading/load_models.h"

#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "base/check.h"
#include "loading/load_stage.h"
#include "loading/model_layouts.h"
#include "loading/precision.h"
#include "models/dit/weights.h"
#include "nn/load.h"

namespace t3 {
namespace {

Dit LoadForm(const ModelInfo& model, at::ScalarType dtype, BlockWeights where,
             const RunContext& context) {
  LoadOptions options;
  options.device = context.device;
  const Precision precision = DitPrecision(model, dtype, context.device.is_cuda());
  options.dtype_for = [precision](const std::string& name) {
    if (IsFloatTensor(name)) return at::kFloat;
    if (precision.fp8 && IsFp8Weight(name)) return at::kFloat8_e4m3fn;
    return name.starts_with("blocks.") ? precision.stored : precision.compute;
  };
  options.loras = LoraSpecs(model);
  const auto load = [&] {
    return LoadStage("loading denoiser", model.dit_views, DitTensors(model.dit), DitNaming(),
                     options, context);
  };
  if (where == BlockWeights::kOnDevice && !precision.converts()) {
    options.place = QkvPlaces(model.dit, context.device);
    return Dit(model.dit, load());
  }
  const auto host = std::make_shared<const HostWeights>(model.dit, precision.stored,
                                                        context.device.is_cuda(), precision.fp8);
  options.place = [&](const std::string& name, at::ScalarType) { return host->Place(name); };
  return Dit(model.dit, load(), host);
}

}  // namespace

std::vector<LoraSpec> LoraSpecs(const ModelInfo& model) {
  std::vector<LoraSpec> specs;
  for (const Lora& lora : model.loras) specs.push_back({lora.path, lora.scale});
  return specs;
}

Dit LoadDit(const ModelInfo& model, at::ScalarType dtype, BlockWeights where,
            const RunContext& context, bool also_bf16) {
  Dit dit = LoadForm(model, dtype, where, context);
  if (also_bf16)
    dit.set_bf16(std::make_shared<Dit>(LoadForm(model, at::kBFloat16, where, context)));
  return dit;
}

TextEncoder LoadTextEncoder(const ModelInfo& model, at::Device device, at::ScalarType dtype,
                            const RunContext& context) {
  const Precision precision = TextEncoderPrecision(model, dtype, device.is_cuda());
  LoadOptions options;
  options.device = device;
  options.dtype_for = [precision](const std::string& name) {
    return precision.fp8 && IsFp8TextWeight(name) ? at::kFloat8_e4m3fn : precision.stored;
  };
  return TextEncoder(
      *model.text,
      LoadStage("loading text encoder", model.text_views, TextEncoderTensors(*model.text),
                TextEncoderNaming(), options, context),
      precision.compute);
}

Vae LoadVae(const ModelInfo& model, VaeHalf half, at::ScalarType dtype, const RunContext& context) {
  CheckComplete(model.vae_views, VaeTensors(*model.vae), "VAE");
  const TensorTable table = VaeTensors(*model.vae, half);
  LoadOptions options;
  options.device = context.device;
  options.dtype = ArithmeticDtype(dtype, context.device.is_cuda());
  return Vae(*model.vae, LoadStage("loading VAE", ViewsOf(model.vae_views, table), table,
                                   VaeNaming(model.vae->version), options, context));
}

std::unique_ptr<VideoDecoder> LoadDecoder(const ModelInfo& model, at::ScalarType dtype,
                                          const RunContext& context) {
  if (model.decoder) return LoadDecoderFile(*model.decoder, dtype, context);
  return std::make_unique<Vae>(LoadVae(model, VaeHalf::kDecoder, dtype, context));
}

Tokenizer LoadTokenizer(const ModelInfo& model) {
  if (!model.paths.tokenizer.empty()) return Tokenizer(model.paths.tokenizer);
  if (model.text_views.file != nullptr) {
    // With the prefix of the text encoder in files of all networks.
    for (const auto& [name, bytes] : model.text_views.file->tensors()) {
      if (name != "spiece_model" && !name.ends_with(".spiece_model")) continue;
      return Tokenizer(std::span(bytes.data, static_cast<size_t>(bytes.bytes)),
                       model.paths.text_encoder + ":spiece_model");
    }
  }
  const std::string& folder = model.paths.folder;
  Fail(
      "the model has no tokenizer; wanted UMT5's google/umt5-xxl/spiece.model, "
      "tokenizer/spiece.model or spiece.model in {}{}; give `tokenizer` FILE",
      folder.empty() ? "the model's folder" : folder,
      folder.empty() ? "" : ", which holds " + DescribeFolder(folder));
}

// What the folder has in place of a part.
std::string Looked(const ModelInfo& model, ModelPart part) {
  const std::string& folder = model.paths.folder;
  return folder.empty() ? "" : fmt::format(" ({})", DescribeSearch(folder, part));
}

void CheckDit(const ModelInfo& model) {
  CheckComplete(model.dit_views, DitTensors(model.dit), "DiT");
  for (const ModelInfo* stage : {&model, model.refiner.get()}) {
    if (stage != nullptr && !stage->loras.empty())
      LoraStack(LoraSpecs(*stage), DitTensors(model.dit), DitNaming());
  }
}

void CheckTextEncoder(const ModelInfo& model) {
  T3_CHECK(
      model.text.has_value(),
      "the model has no text encoder{}; give `text-encoder` FILE, or `text-embeds` FILE of `t3 "
      "encode-text`",
      Looked(model, ModelPart::kTextEncoder));
  CheckComplete(model.text_views, TextEncoderTensors(*model.text), "text encoder");
  const Tokenizer tokenizer = LoadTokenizer(model);
  T3_CHECK(tokenizer.vocab_size() <= model.text->vocab_size,
           "the tokenizer has {} tokens, but the text encoder {} has only {}; they belong to "
           "different models",
           tokenizer.vocab_size(), model.paths.text_encoder, model.text->vocab_size);
}

void CheckVae(const ModelInfo& model) {
  T3_CHECK(model.vae.has_value() || !model.decoder,
           "this needs the model's own VAE, which encodes, and {} only decodes{}; give the VAE as "
           "`vae` FILE and {} as `decoder` FILE",
           model.decoder ? model.decoder->path : "", Looked(model, ModelPart::kVae),
           model.decoder ? model.decoder->path : "");
  T3_CHECK(model.vae.has_value(),
           "the model has no VAE{}; give `vae` FILE, or `output` F.safetensors for latents alone",
           Looked(model, ModelPart::kVae));
  CheckComplete(model.vae_views, VaeTensors(*model.vae), "VAE");
}

void CheckDecoder(const ModelInfo& model) {
  model.decoder ? CheckDecoderFile(*model.decoder) : CheckVae(model);
}

}  // namespace t3
