// Digests a part of every tensor.
#include "nn/weights_digest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/digest.h"

namespace t3 {

std::string WeightsDigest(const NamedViews& views) {
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
