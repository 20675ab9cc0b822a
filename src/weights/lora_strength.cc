// Alpha, rank and their exceptions from metadata and adapter_config.json.
#include "weights/lora_strength.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Plain "alpha" is too common a word to count without a rank.
constexpr std::array<const char*, 4> kAlphaKeys{"lora_alpha", "network_alpha", "ss_network_alpha",
                                                "alpha"};
constexpr std::array<const char*, 6> kRankKeys{"lora_rank",      "network_rank", "network_dim",
                                               "ss_network_dim", "rank",         "r"};

// A number as metadata hold it, which are all strings. Words such as "None" or "Dynamic" say that
// there is none.
std::optional<double> NumberOf(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool IsTrue(const std::string& text) { return text == "true" || text == "True" || text == "1"; }

double Number(const json& object, const char* key, const std::string& source) {
  const json& value = object[key];
  T3_CHECK(value.is_number() && std::isfinite(value.get<double>()), "{}: {} is {}, wanted a number",
           source, key, value.is_number() ? value.dump() : std::string("a ") + value.type_name());
  return value.get<double>();
}

// PEFT matches a pattern as a regular expression against the end of a module's name. Real files
// have plain names, anchored by '^' where diffusers wrote them; nothing else is understood.
LoraSource::Pattern MakePattern(const std::string& key, double value, const std::string& source) {
  std::string_view rest = key;
  const bool anchored = rest.starts_with('^');
  if (anchored) rest.remove_prefix(1);
  if (rest.ends_with('$')) rest.remove_suffix(1);
  std::string module;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size() && rest[i + 1] == '.') continue;
    module += rest[i];
  }
  T3_CHECK(module.find_first_of("*+?()[]{}|\\^$") == std::string::npos,
           "{}: the pattern {} is a regular expression, which is not supported; save the LoRA with "
           "alpha tensors",
           source, Quote(key));
  return {std::move(module), anchored, value};
}

std::vector<LoraSource::Pattern> Patterns(const json& config, const char* key,
                                          const std::string& source) {
  std::vector<LoraSource::Pattern> patterns;
  if (!config.contains(key) || config[key].is_null()) return patterns;
  const json& object = config[key];
  T3_CHECK(object.is_object(), "{}: {} is a {}, wanted an object", source, key, object.type_name());
  for (const auto& [module, value] : object.items()) {
    T3_CHECK(value.is_number(), "{}: {} of {} is a {}, wanted a number", source, key, Quote(module),
             value.type_name());
    patterns.push_back(MakePattern(module, value.get<double>(), source));
  }
  return patterns;
}

bool Flag(const json& config, const char* key, const std::string& source) {
  if (!config.contains(key) || config[key].is_null()) return false;
  T3_CHECK(config[key].is_boolean(), "{}: {} is a {}, wanted true or false", source, key,
           config[key].type_name());
  return config[key].get<bool>();
}

// A PEFT configuration: {"r": 16, "lora_alpha": 32, "alpha_pattern": {...}, ...}.
LoraSource FromConfig(const json& config, const std::string& name) {
  LoraSource source;
  source.name = name;
  if (config.contains("peft_type") && config["peft_type"].is_string()) {
    const std::string type = config["peft_type"].get<std::string>();
    T3_CHECK(type == "LORA", "{}: the adapter is a {}, which t3 cannot merge; only LoRA can", name,
             Quote(type));
  }
  T3_CHECK(!Flag(config, "use_dora", name),
           "{}: the adapter is a DoRA, which t3 cannot merge; only LoRA can", name);
  if (config.contains("lora_alpha") && !config["lora_alpha"].is_null()) {
    source.alpha = Number(config, "lora_alpha", name);
  }
  if (config.contains("r") && !config["r"].is_null()) {
    source.rank = static_cast<int64_t>(std::min(Number(config, "r", name), 1e6));
  }
  source.rank_stabilised = Flag(config, "use_rslora", name);
  source.alphas = Patterns(config, "alpha_pattern", name);
  source.ranks = Patterns(config, "rank_pattern", name);
  return source;
}

// diffusers stores the configurations of several networks in one object, by prefixes
// ("transformer.lora_alpha") or nested. The one of the denoiser.
std::optional<json> DenoiserConfig(const json& document) {
  std::map<std::string, json> by_network;
  for (const auto& [key, value] : document.items()) {
    const size_t dot = key.find('.');
    if (value.is_object() && (value.contains("lora_alpha") || value.contains("r"))) {
      by_network[key] = value;
    } else if (dot == std::string::npos) {
      by_network[""][key] = value;
    } else {
      by_network[key.substr(0, dot)][key.substr(dot + 1)] = value;
    }
  }
  for (const char* network :
       {"transformer", "unet", "dit", "diffusion_model", "denoiser", "model", "base_model", ""}) {
    const auto found = by_network.find(network);
    if (found == by_network.end()) continue;
    if (found->second.contains("lora_alpha") || found->second.contains("r")) return found->second;
  }
  return std::nullopt;
}

json AsObject(json document, const std::string& name) {
  T3_CHECK(document.is_object(), "{} is a JSON {}, wanted an object", name, document.type_name());
  return document;
}

// Configurations that stand as JSON in the header, under whatever key.
void AddEmbedded(const Metadata& metadata, std::vector<LoraSource>* sources) {
  for (const auto& [key, value] : metadata) {
    const bool diffusers = key == "lora_adapter_metadata";
    const bool config = value.starts_with("{") && value.find("lora_alpha\"") != std::string::npos;
    if (!diffusers && !config) continue;
    const std::string name = "metadata " + Quote(key);
    const auto found = DenoiserConfig(AsObject(ParseJson(value, name), name));
    T3_CHECK(found || !diffusers, "{} does not describe the denoiser's LoRA", name);
    if (found) sources->push_back(FromConfig(*found, name));
  }
}

std::optional<double> NumberIn(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::nullopt : NumberOf(found->second);
}

void AddPlain(const Metadata& metadata, std::vector<LoraSource>* sources) {
  LoraSource source;
  for (const char* key : kRankKeys) {
    const auto rank = NumberIn(metadata, key);
    if (rank && *rank >= 1 && *rank <= 1e6) source.rank = static_cast<int64_t>(*rank);
    if (source.rank) break;
  }
  const auto stabilised = metadata.find("use_rslora");
  source.rank_stabilised = stabilised != metadata.end() && IsTrue(stabilised->second);
  for (const std::string key : kAlphaKeys) {
    source.alpha = NumberIn(metadata, key.c_str());
    source.name = "metadata " + key;
    if (source.alpha && (key != "alpha" || source.rank)) sources->push_back(source);
  }
}

void AddBeside(const std::string& path, std::vector<LoraSource>* sources) {
  const std::string config = AdapterConfigBeside(path);
  if (config.empty()) return;
  sources->push_back(FromConfig(AsObject(ReadJson(config), config), config));
}

// The most specific pattern that names `module`. kohya's names have '_' for '.'.
const LoraSource::Pattern* FindPattern(const std::vector<LoraSource::Pattern>& patterns,
                                       std::string_view module) {
  const LoraSource::Pattern* best = nullptr;
  const char separator = module.find('.') == std::string_view::npos ? '_' : '.';
  for (const LoraSource::Pattern& pattern : patterns) {
    std::string name = pattern.module;
    std::replace(name.begin(), name.end(), '.', separator);
    const bool at_end = module.ends_with(name);
    const bool whole_parts = module.size() == name.size() ||
                             (at_end && module[module.size() - name.size() - 1] == separator);
    if (!at_end || !whole_parts) continue;
    // Anchored names leave out the prefix of the network alone.
    const std::string_view rest = module.substr(0, module.size() - name.size());
    if (pattern.anchored && rest.find_first_of("0123456789") != std::string_view::npos) continue;
    if (best == nullptr || pattern.module.size() > best->module.size()) best = &pattern;
  }
  return best;
}

}  // namespace

std::string AdapterConfigBeside(const std::string& path) {
  const std::string config = fs::path(path).parent_path() / "adapter_config.json";
  std::error_code ignored;
  return fs::is_regular_file(config, ignored) ? config : "";
}

LoraStrength LoraStrength::Read(const WeightFile& file) {
  LoraStrength strength;
  strength.path_ = file.path();
  try {
    AddEmbedded(file.metadata(), &strength.sources_);
  } catch (const Error& error) {
    Fail("{}: {}", file.path(), error.what());
  }
  AddPlain(file.metadata(), &strength.sources_);
  AddBeside(file.path(), &strength.sources_);
  return strength;
}

double LoraStrength::Factor(std::string_view module, int64_t rank) const {
  const LoraSource* first = nullptr;
  double factor = 1;
  for (const LoraSource& source : sources_) {
    const auto* alpha_pattern = FindPattern(source.alphas, module);
    const auto* rank_pattern = FindPattern(source.ranks, module);
    const std::optional<double> alpha =
        alpha_pattern != nullptr ? std::optional(alpha_pattern->value) : source.alpha;
    if (!alpha) continue;
    const double named_rank = rank_pattern != nullptr ? rank_pattern->value
                              : source.rank           ? static_cast<double>(*source.rank)
                                                      : static_cast<double>(rank);
    T3_CHECK(named_rank == static_cast<double>(rank),
             "{}: {} says that {} has rank {}, but its factors have rank {}; without the right "
             "rank its strength (alpha/rank) is unknown",
             path_, source.name, Quote(module), named_rank, rank);
    const double root = source.rank_stabilised ? std::sqrt(named_rank) : named_rank;
    const double found = *alpha / root;
    T3_CHECK(first == nullptr || found == factor,
             "{}: the strength (alpha/rank) of {} is {} by {} and {} by {}; remove the wrong one",
             path_, Quote(module), factor, first->name, found, source.name);
    first = &source;
    factor = found;
  }
  return factor;
}

}  // namespace t3
