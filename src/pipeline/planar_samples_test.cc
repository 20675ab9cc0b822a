// Samples made on a device are those of PackFrame, bit for bit, in slabs as well.
#include "pipeline/planar_samples.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "pipeline/row_format.h"
#include "runtime/device.h"

namespace t3 {
namespace {

at::Device SampleDevice() { return ResolveDevice(T3_TEST_DEVICE); }

// Values in and beyond [-1,1], and one that is not a number.
at::Tensor RandomFrames(int64_t frames, int64_t height, int64_t width) {
  auto generator = at::detail::createCPUGenerator(7);
  const at::Tensor x =
      at::rand({3, frames, height, width}, generator, at::kFloat).mul(2.2).sub(1.1);
  x[1][0][height / 2][width / 2] = NAN;
  return x;
}

std::vector<PlanarFormat> Formats() {
  std::vector<PlanarFormat> formats;
  for (const char* name : {"yuv420p", "yuv422p", "yuv444p", "yuv420p10", "yuv422p12le"}) {
    formats.push_back({name, {}});
    formats.push_back({name, {kBt601Kr, kBt601Kb, true, ChromaSite::kCenter}});
  }
  return formats;
}

TEST(PlanarSamples, AreThoseOfPackFrame) {
  for (const PlanarFormat& format : Formats()) {
    for (const auto& [height, width] : {std::pair{18, 32}, {7, 13}, {1, 1}, {2, 5}}) {
      const at::Tensor frame = RandomFrames(1, height, width).select(1, 0);
      const at::Tensor wanted = PlanarSamples(frame, format);
      EXPECT_TRUE(at::equal(PlanarSamplesByOps(frame, format), wanted))
          << format.name << " " << width << "x" << height;
      EXPECT_TRUE(at::equal(PlanarSamples(frame.to(SampleDevice()), format).cpu(), wanted));
    }
  }
}

VideoGeometry Cropped(int64_t crop_x, int64_t crop_y) {
  VideoGeometry geometry;
  geometry.padded_width = 48, geometry.padded_height = 64;
  geometry.crop_x = crop_x, geometry.crop_y = crop_y;
  geometry.width = 48 - 2 * crop_x - 1, geometry.height = 64 - 2 * crop_y - 1;
  geometry.frames = 4;
  return geometry;
}

TEST(RowFormat, SlabsMakeTheFramesThatWholeOnesMake) {
  const at::Tensor video = RandomFrames(4, 64, 48).to(SampleDevice());
  for (const PlanarFormat& planar : Formats()) {
    for (const VideoGeometry& geometry : {Cropped(0, 0), Cropped(5, 8), Cropped(3, 20)}) {
      const RowFormat format(RowFormat(geometry, planar).Text());  // as another rank has it
      ASSERT_TRUE(format.Divisible());
      std::vector<at::Tensor> frames;
      SampleAssembler assembler(format, [&](const at::Tensor& frame) { frames.push_back(frame); });
      for (const RowRange& rows : {RowRange{0, 16}, {16, 18}, {18, 40}, {40, 64}}) {
        const at::Tensor samples =
            format.Samples({video.narrow(2, rows.begin, rows.size()), 0, rows.begin});
        EXPECT_EQ(samples.size(1), format.Bytes(rows));
        assembler.Add(samples, rows);
      }
      ASSERT_EQ(frames.size(), 4);
      for (int64_t t = 0; t < 4; ++t) {
        const at::Tensor whole = CropRows(video, 0, geometry).pixels.select(1, t);
        EXPECT_TRUE(at::equal(frames[static_cast<size_t>(t)], PlanarSamples(whole, planar)))
            << planar.name << " crop " << geometry.crop_y;
      }
    }
  }
}

TEST(RowFormat, RefusesToDivideRowsThatShareChroma) {
  EXPECT_FALSE(RowFormat(Cropped(0, 3), {"yuv420p", {}}).Divisible());
  EXPECT_TRUE(RowFormat(Cropped(0, 3), {"yuv422p", {}}).Divisible());
}

}  // namespace
}  // namespace t3
