// Digests all bytes of every tensor, or its first.
#include "nn/weights_digest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/digest.h"

namespace t3 {
namespace {

std::string DigestOf(const TensorView& view) {
  return DigestText(Digest(std::span(view.data, static_cast<size_t>(view.bytes))));
}

}  // namespace

std::string WeightsLines(const NamedViews& views) {
  std::string lines;
  for (const auto& [name, view] : views.tensors) {
    lines += fmt::format("{} {} {} {}\n", name, DTypeName(view.dtype), fmt::join(view.shape, ","),
                         DigestOf(view));
  }
  for (const auto& [name, view] : views.scales)
    lines += fmt::format("scale {} {}\n", name, DigestOf(view));
  return lines;
}

std::string WeightsDigest(const NamedViews& views) {
  return DigestText(Digest(WeightsLines(views)));
}

std::string WeightsSampleDigest(const NamedViews& views) {
  constexpr int64_t kBytes = 256;
  std::string text;
  for (const auto& [name, view] : views.tensors) {
    text += fmt::format("{} {} ", name, fmt::join(view.shape, ","));
    text.append(reinterpret_cast<const char*>(view.data),
                static_cast<size_t>(std::min(kBytes, view.bytes)));
  }
  return DigestText(Digest(text));
}

}  // namespace t3
