// t3 init: random networks in the official layout.
#include "tools/init.h"

#include <ATen/ATen.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/dit.h"
#include "arch/taehv.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/new_folder.h"
#include "base/output_lock.h"
#include "base/target_path.h"
#include "base/temporary.h"
#include "nn/random_weights.h"
#include "plan/windows.h"
#include "runtime/stage.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

Metadata AttentionMetadata(const InitConfig& config) {
  Metadata metadata{{"t3.attention", std::string(AttentionName(config.attention))}};
  if (config.attention == AttentionPattern::kFull) return metadata;
  if (config.windows.empty()) {
    metadata["t3.planner"] = std::to_string(kPlannerVersion);
  } else {
    metadata["t3.windows"] = config.windows;
  }
  return metadata;
}

ordered_json OfficialConfig(const DitConfig& c) {
  return {{"_class_name", "WanModel"},
          {"model_type", FamilyOf(c.latent_channels) == ModelFamily::kWan22 ? "ti2v" : "t2v"},
          {"dim", c.dim},
          {"ffn_dim", c.ffn_dim},
          {"freq_dim", c.freq_dim},
          {"in_dim", c.latent_channels},
          {"out_dim", c.latent_channels},
          {"num_heads", c.num_heads},
          {"num_layers", c.num_layers},
          {"text_len", c.text_len},
          {"eps", c.eps}};
}

// Attention in the text encoder has no factor 1/sqrt(head dim), so the query weights get it.
// Otherwise softmax would select a single token and outputs would be trivial.
RandomScale TextScale(const TensorSpec& spec, const TextEncoderConfig& config) {
  if (spec.name == "token_embedding.weight") return {0, 1};
  if (spec.name.ends_with("pos_embedding.embedding.weight")) return {0, 0.5};
  RandomScale scale = DefaultScale(spec);
  if (spec.name.ends_with(".attn.q.weight")) {
    scale.std /= std::sqrt(static_cast<double>(config.attention_dim) /
                           static_cast<double>(config.num_heads));
  }
  return scale;
}

// Halved so that most of the decoder's output lies within +-1; the rest is clamped.
RandomScale VaeScale(const TensorSpec& spec) {
  RandomScale scale = DefaultScale(spec);
  if (spec.name == "decoder.head.2.weight") scale.std /= 2;
  return scale;
}

// Around the middle of TAEHV's pixels, which are from 0 to 1.
RandomScale TaehvScale(const TensorSpec& spec) {
  RandomScale scale = DefaultScale(spec);
  if (spec.name == "decoder.22.weight") scale.std /= 4;
  if (spec.name == "decoder.22.bias") scale.mean = 0.5;
  return scale;
}

// Writes the networks of one model into its folder.
class ModelWriter {
 public:
  ModelWriter(const InitConfig& config, uint64_t seed, at::ScalarType dtype, fs::path folder,
              const RunContext& context)
      : config_(config),
        seed_(seed),
        dtype_(dtype),
        folder_(std::move(folder)),
        context_(context) {}

  void WriteDit() const {
    const DitConfig& dit = *config_.dit;
    Metadata metadata = DitMetadata(dit);
    metadata.merge(AttentionMetadata(config_));
    Write("denoiser", "diffusion_pytorch_model.safetensors", DitTensors(dit), DefaultScale, dtype_,
          metadata);
    WriteAtomically((folder_ / "config.json").string(), DumpJson(OfficialConfig(dit), 2) + "\n");
  }

  void WriteText() const {
    const TextEncoderConfig& text = *config_.text;
    Write("text encoder", "models_t5_umt5-xxl-enc-bf16.safetensors", TextEncoderTensors(text),
          [&](const TensorSpec& spec) { return TextScale(spec, text); }, dtype_, {});
  }

  // In fp32, like the official files.
  void WriteVae() const {
    const VaeConfig& vae = *config_.vae;
    const char* name =
        vae.version == VaeVersion::k21 ? "Wan2.1_VAE.safetensors" : "Wan2.2_VAE.safetensors";
    Write("VAE", name, VaeTensors(vae), VaeScale, at::kFloat, VaeMetadata(vae));
  }

  void WriteTaehv() const {
    const TaehvConfig& taehv = *config_.taehv;
    const bool super = taehv.blocks == TaehvBlocks::kSuper;
    Write("TAEHV", fmt::format("taew2_{}{}.safetensors", taehv.patch, super ? "_super" : ""),
          TaehvTensors(taehv), TaehvScale, dtype_, TaehvMetadata(taehv));
  }

 private:
  void Write(const std::string& what, const std::string& file, const TensorTable& table,
             const std::function<RandomScale(const TensorSpec&)>& scale, at::ScalarType dtype,
             const Metadata& metadata) const {
    Stage stage(context_, "writing " + what, 0, "bytes");
    const auto element_bytes = static_cast<int64_t>(c10::elementSize(dtype));
    WriteRandomWeights((folder_ / file).string(), table, scale, seed_, dtype, metadata,
                       [&](int64_t done, int64_t total) {
                         stage.set_total(total * element_bytes);
                         stage.Advance(done * element_bytes);
                       });
  }

  const InitConfig& config_;
  uint64_t seed_;
  at::ScalarType dtype_;
  fs::path folder_;
  const RunContext& context_;
};

at::ScalarType ParseInitType(const std::string& name) {
  if (name.empty() || name == "bf16") return at::kBFloat16;
  if (name == "fp32") return at::kFloat;
  FailUsage("`dtype` {}: wanted bf16 or fp32", name);
}

void CopyTokenizer(const InitConfig& config, const fs::path& folder) {
  if (config.tokenizer.empty()) {
    spdlog::warn(
        "this model has no tokenizer (field \"tokenizer\" of a CONFIG.json names one to copy): "
        "generate with `tokenizer` FILE or `text-embeds` FILE");
    return;
  }
  const fs::path target = folder / "google" / "umt5-xxl";
  std::error_code error;
  fs::create_directories(target, error);
  fs::copy_file(config.tokenizer, target / "spiece.model", error);
  T3_CHECK(!error, "cannot copy the tokenizer {} to {}: {}", config.tokenizer, target.string(),
           error.message());
}

}  // namespace

// The folder appears with all of its files or not at all.
void Init(const std::string& model, uint64_t seed, const std::string& dtype,
          const std::string& output, const ProgressFn& progress, const CancelToken* cancel) {
  const at::ScalarType type = ParseInitType(dtype);
  const InitConfig config = ReadInitConfig(model);
  std::error_code error;
  T3_CHECK(config.tokenizer.empty() || fs::is_regular_file(config.tokenizer, error),
           "{}: the tokenizer {} does not exist", model, config.tokenizer);
  T3_CHECK(!fs::exists(output, error) || fs::is_empty(output, error),
           "{} exists and is not an empty folder; name a new one", output);
  const fs::path target = ResolveTarget(output);
  const NewFolder parent(FolderOf(target).string());
  const OutputLock lock(output);
  RemoveStaleTemporaries(output);
  Temporary folder = Temporary::Folder(FolderOf(target), target);
  const RunContext context{progress, cancel, at::kCPU};
  const ModelWriter writer(config, seed, type, folder.path(), context);
  if (config.dit) writer.WriteDit();
  if (config.text) writer.WriteText();
  if (config.vae) writer.WriteVae();
  if (config.taehv) writer.WriteTaehv();
  if (config.text) CopyTokenizer(config, folder.path());
  fs::rename(folder.path(), target, error);
  T3_CHECK(!error, "cannot name the folder {}: {}", output, error.message());
  folder.Release();
  SyncFolder(FolderOf(target));
}

}  // namespace t3
