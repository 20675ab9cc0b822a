// Matching of names against rename rules.
#include "arch/naming.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Matches `text` against `pattern`, in which '#' is a number and '.' is `separator`. Returns the
// numbers.
std::optional<std::vector<std::string>> MatchPattern(std::string_view pattern,
                                                     std::string_view text, char separator) {
  std::vector<std::string> numbers;
  size_t at = 0;
  for (char c : pattern) {
    if (c == '#') {
      size_t end = at;
      while (end < text.size() && IsDigit(text[end])) ++end;
      if (end == at) return std::nullopt;
      numbers.emplace_back(text.substr(at, end - at));
      at = end;
    } else {
      if (at >= text.size() || text[at] != (c == '.' ? separator : c)) return std::nullopt;
      ++at;
    }
  }
  if (at != text.size()) return std::nullopt;
  return numbers;
}

std::string Fill(std::string_view pattern, const std::vector<std::string>& numbers) {
  std::string result;
  size_t next = 0;
  for (char c : pattern) {
    if (c == '#') {
      result += numbers.at(next++);
    } else {
      result += c;
    }
  }
  return result;
}

std::optional<CanonicalMatch> FindRule(const Naming& naming, std::string_view text,
                                       char separator) {
  for (const RenameRule& rule : naming.rules) {
    if (auto numbers = MatchPattern(rule.from, text, separator)) {
      return CanonicalMatch{Fill(rule.to, *numbers), rule.style, false};
    }
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 3> kParameterNames{".weight", ".bias", ".gamma"};
constexpr std::array<std::string_view, 2> kScaleNames{".scale_weight", ".weight_scale"};
// Scales of activations and a note on the format, which are of use to fp8 GEMMs only; and what
// Transformer Engine keeps beside its weights.
constexpr std::array<std::string_view, 4> kScaleExtras{".scale_input", ".input_scale",
                                                       ".comfy_quant", "._extra_state"};

bool StartsWithAny(std::string_view name, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return name.starts_with(prefix); });
}

bool SameContents(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.bytes == b.bytes &&
         (a.data == b.data || std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes)) == 0);
}

// The canonical weight name that a scale tensor belongs to.
std::optional<CanonicalMatch> FindScaled(const Naming& naming, std::string_view name) {
  for (std::string_view suffix : kScaleNames) {
    if (!name.ends_with(suffix)) continue;
    return FindCanonical(naming,
                         std::string(name.substr(0, name.size() - suffix.size())) + ".weight");
  }
  return std::nullopt;
}

bool IsExtra(const Naming& naming, std::string_view name) {
  const std::string_view bare = StripPrefixes(naming, name);
  if (std::find(naming.extras.begin(), naming.extras.end(), bare) != naming.extras.end()) {
    return true;
  }
  return std::any_of(kScaleExtras.begin(), kScaleExtras.end(),
                     [&](std::string_view suffix) { return bare.ends_with(suffix); });
}

// True where a rule of `naming.unused` names the tensor; its note then stands in `views`.
bool IsUnused(const Naming& naming, std::string_view name, NamedViews* views) {
  const std::string_view bare = StripPrefixes(naming, name);
  const std::string_view module = bare.substr(0, bare.rfind('.'));
  for (const auto& [from, note] : naming.unused) {
    if (!MatchPattern(from, module, '.')) continue;
    auto& notes = views->notes;
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
    return true;
  }
  return false;
}

void AddTensor(NamedViews* views, const std::string& stored, const CanonicalMatch& match,
               const TensorView& view) {
  const auto [at, added] = views->tensors.emplace(match.name, view);
  if (!added) {
    T3_CHECK(SameContents(at->second, view),
             "{}: the tensors {} and {} both stand for {} and differ", views->path,
             Quote(views->stored[match.name]), Quote(stored), match.name);
    views->left_out.push_back(stored);
    return;
  }
  views->stored[match.name] = stored;
  views->prefixed |= match.prefixed;
  auto& styles = views->styles;
  if (!match.style.empty() && std::find(styles.begin(), styles.end(), match.style) == styles.end())
    styles.push_back(match.style);
}

}  // namespace

std::string_view StripPrefixes(const Naming& naming, std::string_view name) {
  for (bool stripped = true; stripped;) {
    stripped = false;
    for (const std::string& prefix : naming.prefixes) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      stripped = true;
    }
  }
  return name;
}

std::optional<CanonicalMatch> FindCanonical(const Naming& naming, std::string_view name) {
  const std::string_view bare = StripPrefixes(naming, name);
  auto match = FindRule(naming, bare, '.');
  for (std::string_view parameter : kParameterNames) {
    if (match || !bare.ends_with(parameter)) continue;
    match = FindRule(naming, bare.substr(0, bare.size() - parameter.size()), '.');
    if (match) match->name += parameter;
  }
  if (match) match->prefixed = bare.size() != name.size();
  return match;
}

std::optional<CanonicalMatch> FindCanonicalUnderscored(const Naming& naming,
                                                       std::string_view name) {
  return FindRule(naming, name, '_');
}

NamedViews NameTensors(std::shared_ptr<const WeightFile> file, const Naming& naming) {
  NamedViews views;
  views.metadata = file->metadata();
  views.path = file->path();
  const TensorViews& tensors = file->tensors();
  const bool combined = std::any_of(tensors.begin(), tensors.end(), [&](const auto& item) {
    return StartsWithAny(item.first, naming.own);
  });
  for (const auto& [stored, view] : tensors) {
    if (combined && !StartsWithAny(stored, naming.own)) {
      views.left_out.push_back(stored);
      continue;
    }
    if (auto match = FindCanonical(naming, stored)) {
      TensorView shaped = view;
      if (naming.restore_shape != nullptr) naming.restore_shape(match->name, &shaped.shape);
      AddTensor(&views, stored, *match, shaped);
    } else if (auto scaled = FindScaled(naming, stored)) {
      views.scales[scaled->name] = view;
    } else if (IsUnused(naming, stored, &views) || IsExtra(naming, stored) ||
               StartsWithAny(stored, naming.foreign)) {
      views.left_out.push_back(stored);
    } else {
      AddTensor(&views, stored, CanonicalMatch{stored, "", false}, view);
    }
  }
  views.file = std::move(file);
  return views;
}

}  // namespace t3
