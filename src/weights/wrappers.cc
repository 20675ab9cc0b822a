// Names of wrappers, and the choice among several.
#include "weights/wrappers.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

// Prefixes of networks as well: the networks' own rules remove them.
constexpr std::array<std::string_view, 7> kNetworkNames{"model", "module", "net",     "transformer",
                                                        "dit",   "unet",   "denoiser"};
// Words of which the other wrappers' names are made: "state_dict", "generator_ema", "ema_params",
// the Wan VAE's "model_state", ... "ema" marks a moving average.
constexpr std::array<std::string_view, 15> kWords{
    "model", "module", "net",       "transformer", "dit",    "unet",    "denoiser", "state",
    "dict",  "ema",    "generator", "student",     "params", "weights", "network"};

// Modules that wrappers of torch, FSDP (both names), Lightning insert between two others.
constexpr std::array<std::string_view, 5> kInserted{"_orig_mod", "_fsdp_wrapped_module",
                                                    "_checkpoint_wrapped_module", "_fpw_module",
                                                    "_forward_module"};

template <size_t kSize>
bool Contains(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Calls `use` for each part of `text` between two separators until it returns true.
template <typename Use>
bool AnyPart(std::string_view text, char separator, const Use& use) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(separator));
    if (use(part)) return true;
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return false;
}

bool IsEma(std::string_view name) {
  return AnyPart(name, '_', [](std::string_view word) { return word == "ema"; });
}

std::string_view FirstSegment(std::string_view name) { return name.substr(0, name.find('.')); }

// The wrappers that `name` begins with, without the dot after them.
std::string LeadingWrappers(std::string_view name) {
  size_t end = 0;
  for (std::string_view rest = name;;) {
    const std::string_view first = FirstSegment(rest);
    if (first.size() == rest.size() || !IsWrapper(first)) break;
    end += first.size() + 1;
    rest.remove_prefix(first.size() + 1);
  }
  return std::string(name.substr(0, end == 0 ? 0 : end - 1));
}

std::string WithoutInserted(std::string_view name) {
  std::string result;
  while (!name.empty()) {
    const std::string_view first = FirstSegment(name);
    const bool last = first.size() == name.size();
    if (last || !Contains(kInserted, first)) {
      result += first;
      if (!last) result += '.';
    }
    name.remove_prefix(std::min(name.size(), first.size() + 1));
  }
  return result;
}

// Renames every tensor; an empty new name drops it.
template <typename Rename>
void RenameAll(TensorViews* tensors, const Rename& rename) {
  TensorViews renamed;
  std::map<std::string, std::string> sources;
  for (auto& [name, view] : *tensors) {
    const std::string target = rename(name);
    if (target.empty()) continue;
    const auto [source, added] = sources.emplace(target, name);
    T3_CHECK(added, "the tensors {} and {} both stand for {}", Quote(source->second), Quote(name),
             Quote(target));
    renamed.emplace(target, std::move(view));
  }
  *tensors = std::move(renamed);
}

void RemoveLeading(ParsedWeights* weights) {
  std::map<std::string, std::string> path_of;
  std::vector<std::string> paths;
  for (const auto& [name, view] : weights->tensors) {
    const std::string& path = path_of[name] = LeadingWrappers(name);
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  const bool only_networks = std::none_of(paths.begin(), paths.end(), [](const auto& path) {
    return AnyPart(path, '.', [](auto part) { return !Contains(kNetworkNames, part); });
  });
  if (only_networks) return;
  const std::string chosen = paths[ChooseWrapped(paths, &weights->notes)];
  RenameAll(&weights->tensors, [&](const std::string& name) {
    const std::string& path = path_of[name];
    if (path == chosen) return name.substr(path.size() + 1);
    return path.empty() ? name : std::string();
  });
}

}  // namespace

bool IsWrapper(std::string_view name) {
  return !name.empty() &&
         !AnyPart(name, '_', [](std::string_view word) { return !Contains(kWords, word); });
}

size_t ChooseWrapped(const std::vector<std::string>& paths, std::vector<std::string>* notes) {
  std::vector<size_t> candidates;
  for (size_t i = 0; i < paths.size(); ++i) {
    const bool wraps_another =
        std::any_of(paths.begin(), paths.end(), [&](const std::string& other) {
          return other != paths[i] && (paths[i].empty() || other.starts_with(paths[i] + "."));
        });
    if (!wraps_another) candidates.push_back(i);
  }
  std::vector<size_t> averages;
  for (const size_t i : candidates) {
    if (AnyPart(paths[i], '.', IsEma)) averages.push_back(i);
  }
  const std::vector<size_t>& left = averages.empty() ? candidates : averages;
  if (left.size() == 1 && candidates.size() > 1) {
    std::vector<std::string> others;
    for (const size_t i : candidates) {
      if (i != left.front()) others.push_back(Quote(paths[i]));
    }
    notes->push_back(fmt::format("takes the EMA weights {}; left out: {}",
                                 Quote(paths[left.front()]), fmt::join(others, ", ")));
  }
  T3_CHECK(left.size() == 1,
           "the checkpoint holds both {} and {}; save the one that is meant by "
           "itself",
           Quote(paths[left.at(0)]), Quote(paths[left.at(1)]));
  return left.front();
}

void RemoveWrappers(ParsedWeights* weights) {
  const bool inserted =
      std::any_of(weights->tensors.begin(), weights->tensors.end(), [](const auto& item) {
        return AnyPart(item.first, '.', [](auto part) { return Contains(kInserted, part); });
      });
  if (inserted) {
    RenameAll(&weights->tensors, [](const std::string& name) { return WithoutInserted(name); });
  }
  RemoveLeading(weights);
}

}  // namespace t3
