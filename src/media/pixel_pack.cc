// Float frames to samples. The inner loops are simple enough for compilers to vectorise.
#include <algorithm>
#include <thread>
#include <vector>

#include "media/pixel_convert.h"
#include "media/row_bands.h"

namespace t3 {
namespace {

template <typename Word>
void StoreWords(const float* codes, int64_t count, float max, int shift, uint8_t* out, int step) {
  const auto code = [&](int64_t i) {
    const float clamped = std::min(std::max(codes[i], 0.0f), max);
    return static_cast<Word>(static_cast<int>(clamped + 0.5f) << shift);
  };
  if (step == static_cast<int>(sizeof(Word))) {  // planar: a separate loop, so that it vectorises
    Word* words = reinterpret_cast<Word*>(out);
    for (int64_t i = 0; i < count; ++i) words[i] = code(i);
    return;
  }
  for (int64_t i = 0; i < count; ++i) *reinterpret_cast<Word*>(out + i * step) = code(i);
}

void StoreRow(const float* codes, int64_t count, float max, const SampleLayout& sample,
              const Planes& planes, int64_t row) {
  uint8_t* out = planes.data[sample.plane] + row * planes.stride[sample.plane] + sample.offset;
  if (sample.bytes() == 2) {
    StoreWords<uint16_t>(codes, count, max, sample.shift, out, sample.step);
  } else {
    StoreWords<uint8_t>(codes, count, max, sample.shift, out, sample.step);
  }
}

// [-1, 1] to [0, 1]; the order of the arguments makes NaN 0.
inline float Unit(float x) { return 0.5f * std::min(std::max(-1.0f, x), 1.0f) + 0.5f; }

void PackRgbRows(const FrameView& frame, const PixelLayout& layout, const Planes& planes,
                 int64_t begin, int64_t end) {
  std::vector<float> codes(frame.width);
  for (int64_t y = begin; y < end; ++y) {
    for (int c = 0; c < 3; ++c) {
      const float* in = frame.planes[c] + y * frame.row_stride;
      const CodeRange range = LumaRange(layout.samples[c].depth, true);
      for (int64_t x = 0; x < frame.width; ++x) codes[x] = range.scale * Unit(in[x]);
      StoreRow(codes.data(), frame.width, range.max, layout.samples[c], planes, y);
    }
  }
}

// One luma row as code values, and its chroma (in [-0.5, 0.5]) added to the sums.
void RowToYuv(const FrameView& frame, int64_t row, const YuvColor& color, const CodeRange& range,
              float weight, float* luma, float* cb_sum, float* cr_sum) {
  const float* red = frame.planes[0] + row * frame.row_stride;
  const float* green = frame.planes[1] + row * frame.row_stride;
  const float* blue = frame.planes[2] + row * frame.row_stride;
  const float kr = static_cast<float>(color.kr), kb = static_cast<float>(color.kb);
  const float kg = static_cast<float>(1 - color.kr - color.kb);
  const float cb_scale = static_cast<float>(weight / (2 * (1 - color.kb)));
  const float cr_scale = static_cast<float>(weight / (2 * (1 - color.kr)));
  for (int64_t x = 0; x < frame.width; ++x) {
    const float r = Unit(red[x]), g = Unit(green[x]), b = Unit(blue[x]);
    const float y = kr * r + kg * g + kb * b;
    luma[x] = range.offset + range.scale * y;
    cb_sum[x] += cb_scale * (b - y);
    cr_sum[x] += cr_scale * (r - y);
  }
}

// Row-averaged chroma to code values at the chroma columns.
void DecimateChroma(const float* sums, int64_t width, const PixelLayout& layout, ChromaSite site,
                    const CodeRange& range, float* codes) {
  if (layout.log2_chroma_w == 0) {
    for (int64_t x = 0; x < width; ++x) codes[x] = range.offset + range.scale * sums[x];
    return;
  }
  const int64_t count = layout.ChromaWidth(width);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t x = 2 * i;
    const float here = sums[x], right = sums[std::min(x + 1, width - 1)];
    const float left = sums[std::max<int64_t>(x - 1, 0)];
    const float mean =
        site == ChromaSite::kCenter ? 0.5f * (here + right) : 0.25f * (left + 2 * here + right);
    codes[i] = range.offset + range.scale * mean;
  }
}

void PackYuvRows(const FrameView& frame, const PixelLayout& layout, const YuvColor& color,
                 const Planes& planes, int64_t group_begin, int64_t group_end) {
  const CodeRange luma_range = LumaRange(layout.samples[0].depth, color.full_range);
  const CodeRange chroma_range = ChromaRange(layout.samples[1].depth, color.full_range);
  std::vector<float> codes(frame.width), sums[2];
  for (int64_t group = group_begin; group < group_end; ++group) {
    for (auto& sum : sums) sum.assign(frame.width, 0);
    const int64_t first = group << layout.log2_chroma_h;
    const int64_t last = std::min(frame.height, (group + 1) << layout.log2_chroma_h);
    for (int64_t y = first; y < last; ++y) {
      RowToYuv(frame, y, color, luma_range, 1.0f / static_cast<float>(last - first), codes.data(),
               sums[0].data(), sums[1].data());
      StoreRow(codes.data(), frame.width, luma_range.max, layout.samples[0], planes, y);
    }
    for (int c = 1; c < layout.components; ++c) {
      DecimateChroma(sums[c - 1].data(), frame.width, layout, color.site, chroma_range,
                     codes.data());
      StoreRow(codes.data(), layout.ChromaWidth(frame.width), chroma_range.max, layout.samples[c],
               planes, group);
    }
  }
}

}  // namespace

bool CanPack(const PixelLayout& layout) {
  return layout.components == 3 && !layout.alpha && layout.log2_chroma_w <= 1 &&
         layout.log2_chroma_h <= 1;
}

void PackFrame(const FrameView& frame, const PixelLayout& layout, const YuvColor& color,
               const Planes& planes, int threads) {
  if (layout.rgb) {
    ParallelBands(frame.height, threads, [&](int64_t begin, int64_t end) {
      PackRgbRows(frame, layout, planes, begin, end);
    });
    return;
  }
  ParallelBands(layout.ChromaHeight(frame.height), threads, [&](int64_t begin, int64_t end) {
    PackYuvRows(frame, layout, color, planes, begin, end);
  });
}

int ThreadCount(int requested) {
  if (requested > 0) return requested;
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace t3
