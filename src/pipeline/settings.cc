// Settings as JSON.
#include "pipeline/settings.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "pipeline/file_digest.h"
#include "plan/windows.h"
#include "t3video/run.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

// "frames/" stays a folder; "demo" and an empty path stay as they are.
std::string AbsolutePath(const std::string& path) {
  if (path.empty() || path == "demo") return path;
  return std::filesystem::absolute(path).lexically_normal().string();
}

template <typename T>
void PutIf(ordered_json& settings, const char* key, const std::optional<T>& value) {
  if (value) settings[key] = *value;
}

void PutText(ordered_json& settings, const char* key, const std::string& value) {
  if (!value.empty()) settings[key] = value;
}

void PutFiles(ordered_json& settings, const ModelFiles& files, const RunOptions& options) {
  PutText(settings, "model", AbsolutePath(files.model));
  PutText(settings, "dit", AbsolutePath(files.dit));
  PutText(settings, "text-encoder", AbsolutePath(files.text_encoder));
  PutText(settings, "vae", AbsolutePath(files.vae));
  PutText(settings, "tokenizer", AbsolutePath(files.tokenizer));
  for (const Lora& lora : files.loras) {
    settings["lora"].push_back(fmt::format("{}:{}", AbsolutePath(lora.path), lora.scale));
  }
  settings["device"] = options.device;
  settings["dtype"] = options.dtype;
  if (options.memory_limit > 0) settings["memory-limit"] = std::to_string(options.memory_limit);
  if (options.host_memory_limit > 0)
    settings["host-memory-limit"] = std::to_string(options.host_memory_limit);
  if (options.deterministic) settings["deterministic"] = true;
}

void PutSampling(ordered_json& settings, const Request& request) {
  PutIf(settings, "frames", request.frames);
  PutIf(settings, "fps", request.fps);
  PutIf(settings, "steps", request.steps);
  PutIf(settings, "guidance", request.guidance);
  PutIf(settings, "shift", request.shift);
  PutIf(settings, "sampler", request.sampler);
  settings["seed"] = request.seed;
  settings["attention"] = request.attention;
  PutText(settings, "windows", request.windows);
}

void PutOutput(ordered_json& settings, const Request& request) {
  PutText(settings, "output", AbsolutePath(request.output));
  PutText(settings, "save-latents", AbsolutePath(request.save_latents));
  PutText(settings, "codec", request.file.codec);
  PutIf(settings, "crf", request.file.crf);
  PutText(settings, "pix-fmt", request.file.pixel_format);
  PutIf(settings, "checkpoint-every", request.checkpoint_every);
  if (!request.keep_latents) settings["no-save-latents"] = true;
  PutText(settings, "preview", AbsolutePath(request.preview));
  if (!request.preview.empty()) settings["preview-every"] = request.preview_every;
  PutText(settings, "record", AbsolutePath(request.record));
}

std::string DigestOrEmpty(const std::string& path) { return path.empty() ? "" : FileDigest(path); }

}  // namespace

std::string SettingsJson(const ModelFiles& files, const RunOptions& options,
                         const Request& request) {
  ordered_json settings = ordered_json::object();
  PutFiles(settings, files, options);
  if (request.text_embeds.empty()) PutText(settings, "prompt", request.prompt);
  PutText(settings, "text-embeds", AbsolutePath(request.text_embeds));
  PutIf(settings, "negative-prompt", request.negative_prompt);
  if (request.width && request.height)
    settings["size"] = fmt::format("{}x{}", *request.width, *request.height);
  PutSampling(settings, request);
  PutText(settings, "image", AbsolutePath(request.image));
  PutText(settings, "noise", AbsolutePath(request.noise));
  PutOutput(settings, request);
  return settings.dump(2);
}

Request DecidedRequest(const Job& job) {
  Request request = job.request;
  request.width = job.geometry.width;
  request.height = job.geometry.height;
  request.frames = job.geometry.frames;
  request.fps = job.fps;
  request.steps = job.sampling.steps;
  request.guidance = job.sampling.guidance;
  request.shift = job.sampling.shift;
  request.sampler = std::string(SamplerName(job.sampling.sampler));
  request.attention = std::string(AttentionName(job.attention.pattern));
  const bool windowed = job.attention.pattern != AttentionPattern::kFull;
  request.windows = windowed ? FormatWindows(job.attention.windows) : "";
  if (request.text_embeds.empty()) request.negative_prompt = job.negative_prompt;
  return request;
}

ordered_json WeightDigests(const ModelInfo& model) {
  const ModelPaths& paths = model.paths;
  ordered_json weights{{"dit", DescribeFile(paths.dit)},
                       {"text_encoder", DescribeFile(paths.text_encoder)},
                       {"vae", DescribeFile(paths.vae)},
                       {"tokenizer", DescribeFile(paths.tokenizer)},
                       {"loras", ordered_json::array()}};
  for (const Lora& lora : model.loras) {
    weights["loras"].push_back(DescribeFile(lora.path));
    weights["loras"].back()["scale"] = lora.scale;
  }
  return weights;
}

ordered_json RunInputs(const ModelInfo& model, const Job& job, const RunSettings& settings,
                       const ordered_json& weights) {
  const auto digest = [](const ordered_json& file) {
    return file.is_null() ? std::string() : file["digest"].get<std::string>();
  };
  const Request& request = job.request;
  const bool encodes_text = request.text_embeds.empty();
  ordered_json inputs{
      {"dit", digest(weights["dit"])},
      {"text encoder", encodes_text ? digest(weights["text_encoder"]) : ""},
      {"tokenizer", encodes_text ? digest(weights["tokenizer"]) : ""},
      {"image encoder", request.image.empty() ? "" : digest(weights["vae"])},
      {"prompt", encodes_text ? request.prompt : ""},
      {"negative prompt", encodes_text ? job.negative_prompt : ""},
      {"text embeds", DigestOrEmpty(request.text_embeds)},
      {"size", fmt::format("{}x{}", job.geometry.made_width, job.geometry.made_height)},
      {"frames", job.geometry.frames},
      {"sampler", SamplerName(job.sampling.sampler)},
      {"steps", job.sampling.steps},
      {"guidance", job.sampling.guidance},
      {"shift", job.sampling.shift},
      {"seed", request.noise.empty() ? ordered_json(request.seed) : ordered_json()},
      {"noise", DigestOrEmpty(request.noise)},
      {"image", DigestOrEmpty(request.image)},
      {"attention", AttentionName(job.attention.pattern)},
      {"windows", job.attention.pattern == AttentionPattern::kFull
                      ? ""
                      : FormatWindows(job.attention.windows)},
      {"dtype", settings.DtypeName()}};
  for (size_t i = 0; i < model.loras.size(); ++i) {
    inputs["loras"].push_back(
        fmt::format("{} x {}", digest(weights["loras"][i]), model.loras[i].scale));
  }
  return inputs;
}

std::vector<std::string> Differences(const ordered_json& then, const ordered_json& now) {
  std::vector<std::string> differences;
  const auto compare = [&](const std::string& key) {
    const ordered_json before = then.value(key, ordered_json());
    const ordered_json after = now.value(key, ordered_json());
    if (before == after) return;
    differences.push_back(fmt::format("{} ({}, now {})", key, before.dump(), after.dump()));
  };
  for (const auto& item : then.items()) compare(item.key());
  for (const auto& item : now.items()) {
    if (!then.contains(item.key())) compare(item.key());
  }
  return differences;
}

}  // namespace t3
