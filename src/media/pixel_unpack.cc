// Samples to float frames.
#include <algorithm>
#include <cmath>
#include <vector>

#include "media/pixel_convert.h"
#include "media/row_bands.h"

namespace t3 {
namespace {

template <typename Word>
void LoadWords(const uint8_t* in, int step, int shift, int depth, int64_t count, float* codes) {
  const int mask = (1 << depth) - 1;
  for (int64_t i = 0; i < count; ++i) {
    const int word = *reinterpret_cast<const Word*>(in + i * step);
    codes[i] = static_cast<float>((word >> shift) & mask);
  }
}

void LoadRow(const SampleLayout& sample, const ConstPlanes& planes, int64_t row, int64_t count,
             float* codes) {
  const uint8_t* in = planes.data[sample.plane] + row * planes.stride[sample.plane] + sample.offset;
  if (sample.bytes() == 2) {
    LoadWords<uint16_t>(in, sample.step, sample.shift, sample.depth, count, codes);
  } else {
    LoadWords<uint8_t>(in, sample.step, sample.shift, sample.depth, count, codes);
  }
}

// Linear interpolation of `size` pixels from `count` samples, one for 2^log2 pixels.
struct Taps {
  std::vector<int64_t> first;  // the second tap is the next sample
  std::vector<float> second_weight;
  std::vector<int64_t> second;
};
Taps MakeTaps(int64_t size, int64_t count, int log2, bool centered) {
  Taps taps;
  const double group = std::ldexp(1.0, log2);
  for (int64_t i = 0; i < size; ++i) {
    const double exact =
        centered ? (static_cast<double>(i) + 0.5) / group - 0.5 : static_cast<double>(i) / group;
    const double position = std::clamp(exact, 0.0, static_cast<double>(count - 1));
    const int64_t first = static_cast<int64_t>(position);
    taps.first.push_back(first);
    taps.second.push_back(std::min(first + 1, count - 1));
    taps.second_weight.push_back(static_cast<float>(position - static_cast<double>(first)));
  }
  return taps;
}

// The chroma of whole pixel rows, scaled to [-0.5, 0.5].
class ChromaRows {
 public:
  ChromaRows(const ConstPlanes& planes, int64_t width, int64_t height, const PixelLayout& layout,
             const YuvColor& color)
      : planes_(planes),
        layout_(layout),
        range_(ChromaRange(layout.samples[1].depth, color.full_range)),
        columns_(MakeTaps(width, layout.ChromaWidth(width), layout.log2_chroma_w,
                          color.site == ChromaSite::kCenter)),
        rows_(MakeTaps(height, layout.ChromaHeight(height), layout.log2_chroma_h,
                       color.site != ChromaSite::kTopLeft)),
        upper_(layout.ChromaWidth(width)),
        lower_(upper_.size()) {}

  void Read(int component, int64_t row, std::vector<float>& out) {
    const SampleLayout& sample = layout_.samples[component];
    const int64_t count = static_cast<int64_t>(upper_.size());
    LoadRow(sample, planes_, rows_.first[row], count, upper_.data());
    LoadRow(sample, planes_, rows_.second[row], count, lower_.data());
    const float weight = rows_.second_weight[row];
    for (int64_t i = 0; i < count; ++i) {
      upper_[i] = ((1 - weight) * upper_[i] + weight * lower_[i] - range_.offset) / range_.scale;
    }
    for (size_t x = 0; x < out.size(); ++x) {
      const float blend = columns_.second_weight[x];
      out[x] = (1 - blend) * upper_[columns_.first[x]] + blend * upper_[columns_.second[x]];
    }
  }

 private:
  const ConstPlanes& planes_;
  const PixelLayout& layout_;
  CodeRange range_;
  Taps columns_, rows_;
  std::vector<float> upper_, lower_;
};

inline float Signed(float x) { return std::min(std::max(2 * x - 1, -1.0f), 1.0f); }

void UnpackDirectRows(const ConstPlanes& planes, int64_t width, int64_t height,
                      const PixelLayout& layout, bool full_range, float* rgb, int64_t begin,
                      int64_t end) {
  std::vector<float> codes(width);
  for (int64_t y = begin; y < end; ++y) {
    for (int c = 0; c < 3; ++c) {
      const SampleLayout& sample = layout.samples[layout.rgb ? c : 0];
      const CodeRange range = LumaRange(sample.depth, full_range);
      LoadRow(sample, planes, y, width, codes.data());
      float* out = rgb + (c * height + y) * width;
      for (int64_t x = 0; x < width; ++x) out[x] = Signed((codes[x] - range.offset) / range.scale);
    }
  }
}

void UnpackYuvRows(const ConstPlanes& planes, int64_t width, int64_t height,
                   const PixelLayout& layout, const YuvColor& color, float* rgb, int64_t begin,
                   int64_t end) {
  const CodeRange range = LumaRange(layout.samples[0].depth, color.full_range);
  const float red_cr = static_cast<float>(2 * (1 - color.kr));
  const float blue_cb = static_cast<float>(2 * (1 - color.kb));
  const double kg = 1 - color.kr - color.kb;
  const float green_cb = static_cast<float>(-color.kb / kg) * blue_cb;
  const float green_cr = static_cast<float>(-color.kr / kg) * red_cr;
  ChromaRows chroma(planes, width, height, layout, color);
  std::vector<float> luma(width), cb(width), cr(width);
  for (int64_t y = begin; y < end; ++y) {
    LoadRow(layout.samples[0], planes, y, width, luma.data());
    chroma.Read(1, y, cb);
    chroma.Read(2, y, cr);
    float* red = rgb + y * width;
    float* green = red + height * width;
    float* blue = green + height * width;
    for (int64_t x = 0; x < width; ++x) {
      const float value = (luma[x] - range.offset) / range.scale;
      red[x] = Signed(value + red_cr * cr[x]);
      green[x] = Signed(value + green_cb * cb[x] + green_cr * cr[x]);
      blue[x] = Signed(value + blue_cb * cb[x]);
    }
  }
}

}  // namespace

void UnpackFrame(const ConstPlanes& planes, int64_t width, int64_t height,
                 const PixelLayout& layout, const YuvColor& color, float* rgb, int threads) {
  ParallelBands(height, threads, [&](int64_t begin, int64_t end) {
    if (layout.rgb || layout.components == 1) {
      UnpackDirectRows(planes, width, height, layout, layout.rgb || color.full_range, rgb, begin,
                       end);
    } else {
      UnpackYuvRows(planes, width, height, layout, color, rgb, begin, end);
    }
  });
}

}  // namespace t3
