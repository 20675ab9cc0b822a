// The layouts that need no FFmpeg.
#include "media/pixel_layout.h"

namespace t3 {

PixelLayout PackedRgbLayout(int bits) {
  PixelLayout layout;
  layout.rgb = true;
  const int bytes = bits / 8;
  for (int c = 0; c < 3; ++c) layout.samples[c] = {0, 3 * bytes, c * bytes, 0, bits};
  return layout;
}

std::optional<PixelLayout> PlanarYuvLayout(std::string_view name) {
  struct Kind {
    std::string_view prefix;
    int components, log2_chroma_w, log2_chroma_h;
  };
  constexpr Kind kKinds[] = {
      {"yuv420p", 3, 1, 1}, {"yuv422p", 3, 1, 0}, {"yuv444p", 3, 0, 0}, {"gray", 1, 0, 0}};
  for (const Kind& kind : kKinds) {
    if (!name.starts_with(kind.prefix)) continue;
    std::string_view rest = name.substr(kind.prefix.size());
    if (rest.ends_with("le")) rest.remove_suffix(2);
    const int depth = name == kind.prefix ? 8 : rest == "10" ? 10 : rest == "12" ? 12 : 0;
    if (depth == 0) return std::nullopt;
    PixelLayout layout;
    layout.components = kind.components;
    layout.log2_chroma_w = kind.log2_chroma_w;
    layout.log2_chroma_h = kind.log2_chroma_h;
    for (int c = 0; c < kind.components; ++c) {
      layout.samples[c] = {c, depth > 8 ? 2 : 1, 0, 0, depth};
    }
    return layout;
  }
  return std::nullopt;
}

CodeRange LumaRange(int depth, bool full_range) {
  const float max = static_cast<float>((1 << depth) - 1);
  if (full_range) return {0, max, max};
  const float unit = static_cast<float>(1 << (depth - 8));
  return {16 * unit, 219 * unit, max};
}

CodeRange ChromaRange(int depth, bool full_range) {
  const float max = static_cast<float>((1 << depth) - 1);
  const float middle = static_cast<float>(1 << (depth - 1));
  if (full_range) return {middle, max, max};
  return {middle, static_cast<float>(224 << (depth - 8)), max};
}

}  // namespace t3
