// PackFrame (media/pixel_pack.cc) on a CPU, its arithmetic step by step on a GPU.
#include "pipeline/planar_samples.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <vector>

#include "base/check.h"

namespace t3 {
namespace {

at::Tensor PackedOnHost(const at::Tensor& frame, const PlanarFormat& format) {
  const PixelLayout layout = format.Layout();
  const int64_t height = frame.size(1), width = frame.size(2);
  FrameView view{width, height, {}, frame.stride(1)};
  for (int64_t c = 0; c < 3; ++c)
    view.planes[c] = frame.const_data_ptr<float>() + c * frame.stride(0);
  int64_t bytes = 0;
  for (int c = 0; c < 3; ++c) bytes += PlaneSizeOf(layout, c, width, height).bytes();
  at::Tensor samples = at::empty({bytes}, at::kByte);
  const Planes planes = PlanesIn(samples.mutable_data_ptr<uint8_t>(), layout, width, height);
  PackFrame(view, layout, format.color, planes, at::get_num_threads());
  return samples;
}

// Values of codes, rounded to nearest -> uint8, two bytes a sample above 8 bits.
at::Tensor Stored(at::Tensor codes, const CodeRange& range, const SampleLayout& sample) {
  codes = codes.clamp_(0, range.max).add_(0.5F);
  return sample.bytes() == 1 ? codes.to(at::kByte).flatten()
                             : codes.to(at::kShort).flatten().view(at::kByte);
}

at::Tensor Codes(const at::Tensor& values, const CodeRange& range) {
  return values.mul(range.scale).add_(range.offset);
}

// difference (h,w) -> (rows of chroma,w): weighted and summed over the rows of each.
at::Tensor ChromaRows(const at::Tensor& difference, const PixelLayout& layout, double k) {
  const auto scale = [k](float weight) { return static_cast<float>(weight / (2 * (1 - k))); };
  if (layout.log2_chroma_h == 0) return difference.mul(scale(1));
  const int64_t pairs = difference.size(0) / 2;
  const at::Tensor weighted = difference.narrow(0, 0, 2 * pairs).mul(scale(0.5F));
  const at::Tensor sums =
      weighted.slice(0, 0, std::nullopt, 2).add(weighted.slice(0, 1, std::nullopt, 2));
  if (2 * pairs == difference.size(0)) return sums;
  return at::cat({sums, difference.narrow(0, 2 * pairs, 1).mul(scale(1))});
}

// (rows,w) -> (rows,columns of chroma): the mean of neighbours, the edge repeated.
at::Tensor ChromaColumns(const at::Tensor& rows, const PixelLayout& layout, ChromaSite site) {
  if (layout.log2_chroma_w == 0) return rows;
  const int64_t width = rows.size(1);
  const at::Tensor here = rows.slice(1, 0, std::nullopt, 2);
  at::Tensor right = rows.slice(1, 1, std::nullopt, 2);
  if (width % 2 == 1) right = at::cat({right, rows.narrow(1, width - 1, 1)}, 1);
  if (site == ChromaSite::kCenter) return here.add(right).mul_(0.5F);
  const at::Tensor left = at::cat({rows.narrow(1, 0, 1), right.narrow(1, 0, right.size(1) - 1)}, 1);
  return left.add(here.mul(2)).add_(right).mul_(0.25F);
}

}  // namespace

at::Tensor PlanarSamplesByOps(const at::Tensor& frame, const PlanarFormat& format) {
  const PixelLayout layout = format.Layout();
  const YuvColor& color = format.color;
  const CodeRange luma = LumaRange(layout.samples[0].depth, color.full_range);
  const CodeRange chroma = ChromaRange(layout.samples[1].depth, color.full_range);
  // Every step rounds as it does there; NaN is black. A channel at a time, to take less memory.
  const auto unit = [&](int64_t channel) {
    return frame[channel].clamp(-1, 1).nan_to_num_(-1).mul_(0.5F).add_(0.5F);
  };
  const at::Tensor red = unit(0), blue = unit(2);
  const at::Tensor y = red.mul(static_cast<float>(color.kr))
                           .add_(unit(1).mul_(static_cast<float>(1 - color.kr - color.kb)))
                           .add_(blue.mul(static_cast<float>(color.kb)));
  const auto plane = [&](const at::Tensor& of, double k, const SampleLayout& sample) {
    const at::Tensor rows = ChromaRows(of.sub(y), layout, k);
    return Stored(Codes(ChromaColumns(rows, layout, color.site), chroma), chroma, sample);
  };
  return at::cat({Stored(Codes(y, luma), luma, layout.samples[0]),
                  plane(blue, color.kb, layout.samples[1]),
                  plane(red, color.kr, layout.samples[2])});
}

at::Tensor PlanarSamples(const at::Tensor& frame, const PlanarFormat& format) {
  T3_CHECK(frame.dim() == 3 && frame.size(0) == 3 && frame.scalar_type() == at::kFloat &&
               frame.stride(2) == 1 && CanPack(format.Layout()),
           "PlanarSamples: a frame ({}) of {}", fmt::join(frame.sizes(), ", "), format.name);
  return frame.is_cpu() ? PackedOnHost(frame, format) : PlanarSamplesByOps(frame, format);
}

}  // namespace t3
