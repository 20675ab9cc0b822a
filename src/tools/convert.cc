// t3 convert: any network's file as safetensors under original names.
#include "nn/convert.h"

#include <filesystem>

#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "base/check.h"
#include "base/file_claims.h"
#include "base/log.h"
#include "base/output_lock.h"
#include "base/temporary.h"
#include "loading/distillation.h"
#include "loading/model_files.h"
#include "loading/model_layouts.h"
#include "loading/network.h"
#include "loading/sampling_json.h"
#include "pipeline/existing_files.h"
#include "runtime/stage.h"
#include "t3video/tools.h"
#include "weights/lora.h"
#include "weights/quantisation.h"

namespace t3 {
namespace {

constexpr const char* kWriterKey = "t3.written_by";
constexpr const char* kWriter = "t3 convert";

// Whether an earlier call wrote the file.
bool IsConverted(const std::string& path) {
  try {
    const Metadata metadata = WeightFile::Open(path)->metadata();
    const auto writer = metadata.find(kWriterKey);
    return writer != metadata.end() && writer->second == kWriter;
  } catch (const std::exception&) {  // not weights
    return false;
  }
}

std::optional<at::ScalarType> ParseOutputType(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name == "fp32") return at::kFloat;
  if (name == "fp16") return at::kHalf;
  if (name == "bf16" || name == "fp8") return at::kBFloat16;
  FailUsage("`dtype` {}: wanted fp32, fp16, bf16 or fp8", name);
}

// In fp8, the matrices of a network that become codes; its other tensors are bf16.
std::function<bool(const std::string&)> CodesOf(NetworkKind kind) {
  if (kind == NetworkKind::kDit) return IsFp8Weight;
  if (kind == NetworkKind::kTextEncoder) return IsFp8TextWeight;
  FailUsage("`dtype` fp8 is for a DiT or a text encoder, and the input is a {}; use bf16",
            NetworkName(kind));
}

// The file that is meant: of a folder or of "demo" its denoiser.
std::string FindInput(const std::string& input) {
  std::error_code ignored;
  if (input != "demo" && !std::filesystem::is_directory(input, ignored)) return input;
  const ModelPaths paths = FindModelFiles({.model = input});
  T3_CHECK(!paths.dit.empty(), "no denoiser was found: {}",
           DescribeSearch(paths.folder, ModelPart::kDit));
  spdlog::info("converting the denoiser {}; give the path of another network to convert that",
               paths.dit);
  return paths.dit;
}

Network OpenOnlyNetwork(const std::string& path) {
  const auto file = WeightFile::Open(path);
  CheckNotQuantised(file->tensors(), file->metadata(), path);
  for (const std::string& note : file->notes()) spdlog::info("{}: {}", path, note);
  const std::vector<NetworkKind> kinds = FindNetworks(file);
  T3_CHECK(!kinds.empty(),
           "{} holds no DiT, text encoder, VAE or TAEHV; `t3 inspect` says what it is", path);
  T3_CHECK(
      kinds.size() == 1,
      "{} holds {} networks in one file, and convert takes files of one; the commands that run a "
      "model take the file as it is (`model` FILE)",
      path, kinds.size());
  Network network = OpenNetwork(file, kinds.front());
  for (const std::string& note : network.views.notes) spdlog::warn("{}: {}", path, note);
  return network;
}

// What the input, or a LoRA that is merged into it, says of sampling. The output states it: it may
// have another name, and lacks the tensors that tell.
std::optional<Distillation> SamplingOf(const Network& network, const std::vector<Lora>& loras) {
  if (network.kind != NetworkKind::kDit) return std::nullopt;
  const auto dim = std::get<int64_t>(FindSize(network.sizes, "dim")->value);
  std::optional<Distillation> sampling = DistillationOfDit(*network.views.file, dim);
  for (const Lora& lora : loras) {
    auto of_lora = DistillationOfLora(*WeightFile::Open(FindLoraFile(lora.path)), dim);
    if (of_lora && lora.scale != 0) sampling = std::move(of_lora);
  }
  return sampling;
}

}  // namespace

void Convert(const std::string& input, const std::string& output, const std::string& dtype,
             const std::vector<Lora>& loras, const ProgressFn& progress, const CancelToken* cancel,
             bool overwrite) {
  ConvertOptions options;
  options.dtype = ParseOutputType(dtype);
  if (std::filesystem::path(output).extension() != ".safetensors") {
    FailUsage("the output {}: convert writes safetensors; give a name that ends with .safetensors",
              output);
  }
  const std::string source = FindInput(input);
  FileClaims files;
  files.Read("the input", source);
  for (const Lora& lora : loras) files.Read("the LoRA", FindLoraFile(lora.path));
  files.Write("the output", output);
  CheckReplaceable(output, overwrite, IsConverted);
  const OutputLock lock(output);
  RemoveStaleTemporaries(output);
  const Network network = OpenOnlyNetwork(source);
  T3_CHECK(loras.empty() || network.kind == NetworkKind::kDit,
           "`lora` changes a DiT, and {} is a {}", source, NetworkName(network.kind));
  for (const Lora& lora : loras) options.loras.push_back({lora.path, lora.scale});
  if (dtype == "fp8") options.as_codes = CodesOf(network.kind);
  options.metadata = network.metadata;
  options.metadata[kWriterKey] = kWriter;
  if (const auto sampling = SamplingOf(network, loras))
    options.metadata[kSamplingKey] = SamplingJson(sampling->sampling).dump();
  const RunContext context{progress, cancel, at::kCPU};
  Stage stage(context, "converting", 0, "bytes");
  options.progress = [&](int64_t done, int64_t total) {
    stage.set_total(total);
    stage.Advance(done);
  };
  ConvertWeights(network.views, network.table,
                 NamingOf(network.kind, network.views.file->tensors()), options, output);
}

}  // namespace t3
