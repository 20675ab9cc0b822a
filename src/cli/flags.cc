// Shared flags.
#include "cli/flags.h"

#include <CLI/Option.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/bytes.h"
#include "base/check.h"

namespace t3 {

namespace {

// The variable's value; "" where it is not set.
std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

void AddModelFlags(CLI::App& app, ModelFlags& flags) {
  app.add_option("--model", flags.files.model,
                 "folder of a checkpoint (official, diffusers or ComfyUI layout), or 'demo' "
                 "(default: $T3_MODEL_DIR)");
  app.add_option("--dit", flags.files.dit, "denoiser file, in place of the folder's");
  app.add_option("--text-encoder", flags.files.text_encoder, "UMT5 file, in place of the folder's");
  app.add_option("--vae", flags.files.vae, "VAE file, in place of the folder's");
  app.add_option("--tokenizer", flags.files.tokenizer,
                 "sentencepiece model, in place of the folder's");
}

void AddLoraFlag(CLI::App& app, ModelFlags& flags) {
  app.add_option("--lora", flags.loras,
                 "LoRA for the denoiser, FILE or FILE:SCALE; may be repeated")
      ->take_all()
      ->expected(1);
}

void AddRunFlags(CLI::App& app, RunFlags& flags) {
  app.add_option("--device", flags.options.device,
                 "auto, cpu, cuda or cuda:N (default: $T3_DEVICE, else auto)");
  app.add_option("--dtype", flags.options.dtype, "auto, bf16 or fp32")->default_str("auto");
  app.add_option("--memory-limit", flags.memory_limit,
                 "most memory to use on the device, e.g. 24GB");
  app.add_option("--host-memory-limit", flags.host_memory_limit,
                 "most memory to use on the host, e.g. 64GB");
  app.add_flag("--deterministic", flags.options.deterministic,
               "only kernels that give the same bits every time");
  app.add_option("--progress", flags.progress, "auto, live, plain, json (a line each) or none")
      ->capture_default_str();
}

void AddFileFlags(CLI::App& app, FileOptions& file) {
  app.add_option("--codec", file.codec, "video encoder, by its name in FFmpeg (default: H.264)");
  app.add_option("--crf", file.crf, "constant quality of the encoder, on its own scale");
  app.add_option("--pix-fmt", file.pixel_format,
                 "pixel format, e.g. yuv420p10le; rgb48 for 16-bit PNG");
}

ModelFiles ToModelFiles(const ModelFlags& flags) {
  ModelFiles files = flags.files;
  if (files.model.empty() && files.dit.empty()) files.model = Environment("T3_MODEL_DIR");
  for (const std::string& lora : flags.loras) files.loras.push_back(ParseLora(lora));
  return files;
}

RunOptions ToRunOptions(const RunFlags& flags) {
  RunOptions options = flags.options;
  if (options.device.empty()) options.device = Environment("T3_DEVICE");
  if (options.device.empty()) options.device = "auto";
  if (!flags.memory_limit.empty()) options.memory_limit = ParseBytes(flags.memory_limit);
  if (!flags.host_memory_limit.empty())
    options.host_memory_limit = ParseBytes(flags.host_memory_limit);
  return options;
}

std::pair<int64_t, int64_t> ParseSize(const std::string& text) {
  int64_t width = 0;
  int64_t height = 0;
  const char* const end = text.data() + text.size();
  const auto [middle, status] = std::from_chars(text.data(), end, width);
  if (status == std::errc() && middle != end && (*middle == 'x' || *middle == 'X')) {
    const auto [stop, second] = std::from_chars(middle + 1, end, height);
    if (second == std::errc() && stop == end && width > 0 && height > 0) return {width, height};
  }
  FailUsage("--size '{}' is no size; write WIDTHxHEIGHT, e.g. 3840x2160", text);
}

Lora ParseLora(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return {text, 1};
  double scale = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data() + colon + 1, end, scale);
  if (status != std::errc() || stop != end || !std::isfinite(scale)) return {text, 1};
  return {text.substr(0, colon), scale};
}

}  // namespace t3
