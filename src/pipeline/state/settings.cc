// Settings as JSON and as metadata.
#include "pipeline/state/settings.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/path_text.h"
#include "base/text.h"
#include "runtime/file_digest.h"
#include "t3video/request_options.h"
#include "t3video/run.h"
#include "t3video/version.h"
#include "weights/lora_strength.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

// As JSON text; "frames/" stays a folder, "demo" and an empty path stay as they are.
std::string AbsolutePath(const std::string& path) {
  if (path.empty() || path == "demo") return path;
  return PathToText(std::filesystem::absolute(path).lexically_normal().string());
}

// A value as a flag would be given it; "" where it is absent.
std::string TextOf(const std::string& value) { return value; }
std::string TextOf(VideoSize size) { return fmt::format("{}x{}", size.width, size.height); }
std::string TextOf(const DraftChoice& draft) { return draft.size ? TextOf(*draft.size) : "none"; }
std::string TextOf(bool value) { return value ? "on" : "off"; }
std::string TextOf(Sampler sampler) { return std::string(SamplerName(sampler)); }
std::string TextOf(AttentionPattern pattern) { return std::string(AttentionName(pattern)); }
std::string TextOf(const WindowCycle& windows) { return FormatWindows(windows); }
std::string TextOf(const std::vector<double>& list) {
  return fmt::format("{}", fmt::join(list, ","));
}
std::string TextOf(ComputeDtype dtype) { return std::string(ComputeDtypeName(dtype)); }
template <typename T>
requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) std::string TextOf(T value) {
  return fmt::format("{}", value);
}
template <typename T>
std::string TextOf(const std::optional<T>& value) {
  return value ? TextOf(*value) : "";
}

// The same as a setting: numbers stay numbers, null is left out.
ordered_json SettingOf(const std::string& value) {
  return value.empty() ? ordered_json() : ordered_json(value);
}
ordered_json SettingOf(const std::optional<AttentionPattern>& value) {
  return value ? TextOf(*value) : "auto";
}
ordered_json SettingOf(const WindowCycle& value) { return SettingOf(TextOf(value)); }
ordered_json SettingOf(const std::vector<double>& value) { return SettingOf(TextOf(value)); }
ordered_json SettingOf(ComputeDtype value) { return TextOf(value); }
ordered_json SettingOf(bool value) { return value ? ordered_json(true) : ordered_json(); }
// Amounts of memory, which are flags as text.
ordered_json SettingOf(int64_t bytes) {
  return bytes > 0 ? ordered_json(std::to_string(bytes)) : ordered_json();
}
ordered_json SettingOf(const std::optional<bool>& value) {
  return value ? ordered_json(TextOf(*value)) : ordered_json();
}
template <typename T>
ordered_json SettingOf(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_arithmetic_v<T>) return *value;
  return TextOf(*value);
}
ordered_json SettingOf(const std::vector<Lora>& loras) {
  ordered_json list;
  for (const Lora& lora : loras)
    list.push_back(fmt::format("{}:{}", AbsolutePath(lora.path), lora.scale));
  return list;
}
// An empty list is "none".
ordered_json SettingOf(const std::optional<std::vector<Lora>>& loras) {
  if (!loras) return nullptr;
  return loras->empty() ? ordered_json::array() : SettingOf(*loras);
}

// For metadata, which only people read: it need not name the file exactly.
std::string FileName(const std::string& path) {
  return ReplaceInvalidUtf8(std::filesystem::path(path).filename().string());
}

std::string DigestOrEmpty(const std::string& path) { return path.empty() ? "" : FileDigest(path); }

std::string ImageDigest(const ImageInput& image) {
  if (!image.path.empty() || image.empty()) return DigestOrEmpty(image.path);
  const std::string_view pixels(reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size());
  return fmt::format("{}x{} {}", image.width, image.height, TextDigest(std::string(pixels)));
}

ordered_json DescribeLoraFile(const Lora& lora) {
  ordered_json described = DescribeFile(lora.path);
  described["scale"] = lora.scale;
  const std::string config = AdapterConfigBeside(lora.path);
  if (!config.empty()) described["adapter_config"] = DescribeFile(config);
  return described;
}

std::string DigestOf(const ordered_json& file) {
  return file.is_null() ? std::string() : file["digest"].get<std::string>();
}

// Digests and scales of LoRAs, as of WeightDigests.
void AddLoraInputs(const char* name, const ordered_json& loras, ordered_json& inputs) {
  for (const ordered_json& lora : loras) {
    std::string input = fmt::format("{} x {}", DigestOf(lora), lora["scale"].get<double>());
    const auto config = lora.find("adapter_config");  // has the strength where the file does not
    if (config != lora.end()) input += " by " + DigestOf(*config);
    inputs[name].push_back(std::move(input));
  }
}

// A repeated run takes the lists that were given, and "none"; the model names its own again.
void AddLoras(const ModelInfo& model, Metadata& metadata) {
  const std::map<LoraOrigin, const char*> keys{{LoraOrigin::kGiven, "t3.lora"},
                                               {LoraOrigin::kFolder, "t3.model_lora"},
                                               {LoraOrigin::kAdded, "t3.add_lora"}};
  for (size_t i = 0; i < model.loras.size(); ++i) {
    std::string& list = metadata[keys.at(model.lora_origins[i])];
    list += fmt::format("{}{}:{}", list.empty() ? "" : ";", FileName(model.loras[i].path),
                        model.loras[i].scale);
  }
  if (model.declines_own_loras) metadata.try_emplace("t3.lora", "none");
}

std::string WithReplaced(std::string name, char replacement) {
  std::ranges::replace(name, '-', replacement);
  return name;
}

}  // namespace

std::string SettingsJson(const ModelFiles& files, const RunOptions& options,
                         const Request& request) {
  ordered_json settings = ordered_json::object();
  const auto put = [&](const Option& option, const auto& value) {
    ordered_json setting = SettingOf(value);
    if (setting.is_null()) return;
    if (option.path && setting.is_string()) setting = AbsolutePath(setting.get<std::string>());
    settings[option.name] = std::move(setting);
  };
  VisitModelOptions(files, put);
  VisitMachineOptions(options, put);
  VisitRequestOptions(request, put);
  return DumpJson(settings, 2);
}

Request DecidedRequest(const Job& job) {
  Request request = job.request;
  request.params.size = VideoSize{job.geometry.width, job.geometry.height};
  request.params.frames = job.geometry.frames;
  request.params.steps = job.sampling.steps;
  request.params.guidance = job.sampling.guidance;
  request.params.timesteps = job.sampling.timesteps;
  request.params.sigmas = job.sampling.sigmas;
  request.params.shift.reset();
  if (job.sampling.uses_shift()) request.params.shift = job.sampling.shift;
  request.params.sampler = job.sampling.sampler;
  request.params.attention = job.attention.pattern;
  const bool windowed = job.attention.pattern != AttentionPattern::kFull;
  request.params.windows = windowed ? job.attention.windows : WindowCycle{};
  request.params.draft = job.draft;
  if (job.refines()) {
    request.params.strength = job.sampling.strength;
    request.match_colors = request.match_colors.value_or(true);
  }
  if (job.draft_size) {
    request.params.draft_steps = job.draft_steps;
    request.params.draft_sampling = job.draft_sampling;
  }
  request.output.fps = job.fps;
  if (request.noise.empty() || AddsNoise(job.sampling.sampler))
    request.seed = request.seed.value_or(0);
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
  if (!paths.decoder.empty()) weights["decoder"] = DescribeFile(paths.decoder);
  for (const Lora& lora : model.loras) weights["loras"].push_back(DescribeLoraFile(lora));
  if (model.refiner) {
    weights["refiner_loras"] = ordered_json::array();
    for (const Lora& lora : model.refiner->loras)
      weights["refiner_loras"].push_back(DescribeLoraFile(lora));
  }
  return weights;
}

ordered_json RunInputs(const ModelInfo& model, const Job& job, const RunSettings& settings,
                       const ordered_json& weights) {
  Request request = DecidedRequest(job);
  // Two sizes that are cropped from the same padded one have the same latents.
  request.params.size = VideoSize{job.geometry.padded_width, job.geometry.padded_height};
  const bool encodes_text = request.text_embeds.empty();
  const bool encodes_frames = !request.image.empty() || job.refines();
  ordered_json inputs{{"dit", DigestOf(weights["dit"])},
                      {"text encoder", encodes_text ? DigestOf(weights["text_encoder"]) : ""},
                      {"tokenizer", encodes_text ? DigestOf(weights["tokenizer"]) : ""},
                      {"image encoder", encodes_frames ? DigestOf(weights["vae"]) : ""}};
  VisitRequestOptions(request, [&](const Option& option, const auto& value) {
    if (option.effect != OptionEffect::kLatents) return;
    const ordered_json setting = SettingOf(value);
    const std::string text = TextOf(value);
    ordered_json& input = inputs[WithReplaced(option.name, ' ')];
    if (option.path) {
      input = DigestOrEmpty(text);
    } else {
      input = setting.is_null() ? ordered_json(text) : setting;
    }
  });
  inputs["image"] = ImageDigest(request.image);
  if (!request.video.empty()) inputs["fps"] = job.fps;  // which frames of the source there are
  if (!request.noise.empty() && !AddsNoise(job.sampling.sampler)) inputs["seed"] = nullptr;
  inputs["dtype"] = settings.DtypeName();
  const bool refines = &DenoisedBy(model, job) != &model;
  AddLoraInputs("loras", weights[refines ? "refiner_loras" : "loras"], inputs);
  // A draft by the same denoiser has others.
  if (refines && job.draft_size && request.draft_dit.empty())
    AddLoraInputs("draft loras", weights["loras"], inputs);
  return inputs;
}

Metadata JobMetadata(const ModelInfo& model, const Job& job, const std::string& dtype) {
  const BuildInfo& build = GetBuildInfo();
  Metadata metadata{{"t3.version", build.version + " " + build.commit},
                    {"t3.model", FileName(model.paths.dit)},
                    {"t3.dtype", dtype}};
  const Request request = DecidedRequest(job);
  VisitRequestOptions(request, [&](const Option& option, const auto& value) {
    if (option.effect == OptionEffect::kEncoding || option.effect == OptionEffect::kNone) return;
    std::string text = TextOf(value);
    // A repeated run may name the same file by another path, and paths do not belong in a video.
    if (option.path) text = FileName(text);
    if (text.empty() && option.group != OptionGroup::kPrompt) return;
    if (text.empty() && option.path) return;
    metadata["t3." + WithReplaced(option.name, '_')] = text;
  });
  if (job.attention.pattern != AttentionPattern::kFull)
    metadata["t3.windows_source"] = job.attention.windows_source;
  if (!model.paths.decoder.empty()) metadata["t3.decoder"] = FileName(model.paths.decoder);
  AddLoras(model, metadata);
  return metadata;
}

std::vector<std::string> FileSettings() {
  std::vector<std::string> names{"size",  // crops of the same padded size
                                 "vae", "decoder"};
  const Request any;
  VisitRequestOptions(any, [&](const Option& option, const auto&) {
    if (option.effect != OptionEffect::kLatents && option.effect != OptionEffect::kNone)
      names.push_back(option.name);
  });
  return names;
}

std::vector<std::string> Differences(const ordered_json& then, const ordered_json& now) {
  std::vector<std::string> differences;
  const auto compare = [&](const std::string& key) {
    const ordered_json before = then.value(key, ordered_json());
    const ordered_json after = now.value(key, ordered_json());
    // A setting that an older build did not have is absent.
    const auto none = [](const ordered_json& value) { return value.is_null() || value == ""; };
    if (before == after || (none(before) && none(after))) return;
    differences.push_back(fmt::format("{} ({}, now {})", key, DumpJson(before), DumpJson(after)));
  };
  for (const auto& item : then.items()) compare(item.key());
  for (const auto& item : now.items()) {
    if (!then.contains(item.key())) compare(item.key());
  }
  return differences;
}

}  // namespace t3
