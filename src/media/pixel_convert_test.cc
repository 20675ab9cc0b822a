// Colour conversion against values worked out by hand from BT.709.
#include "media/pixel_convert.h"

#include <gmock/gmock.h>

#include "media/testing/frames.h"

namespace t3 {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

// The samples of a planar YUV frame, each plane as code values.
std::vector<std::vector<int>> Pack(const TestFrame& frame, const std::string& format,
                                   const YuvColor& color = {}, int threads = 1) {
  const PixelLayout layout = PlanarYuvLayout(format).value();
  Planes planes;
  std::vector<std::vector<uint8_t>> bytes(3);
  for (int c = 0; c < 3; ++c) {
    const int64_t width = c == 0 ? frame.width : layout.ChromaWidth(frame.width);
    const int64_t height = c == 0 ? frame.height : layout.ChromaHeight(frame.height);
    planes.stride[c] = width * layout.samples[c].bytes();
    bytes[c].resize(planes.stride[c] * height);
    planes.data[c] = bytes[c].data();
  }
  PackFrame(frame.view(), layout, color, planes, threads);
  std::vector<std::vector<int>> codes(3);
  for (int c = 0; c < 3; ++c) {
    if (layout.samples[c].bytes() == 1) {
      codes[c].assign(bytes[c].begin(), bytes[c].end());
    } else {
      const auto* words = reinterpret_cast<const uint16_t*>(bytes[c].data());
      codes[c].assign(words, words + bytes[c].size() / 2);
    }
  }
  return codes;
}

struct KnownColor {
  float rgb[3];
  int codes8[3];
  int codes10[3];
};
constexpr KnownColor kKnown[] = {
    {{1, 1, 1}, {235, 128, 128}, {940, 512, 512}}, {{-1, -1, -1}, {16, 128, 128}, {64, 512, 512}},
    {{0, 0, 0}, {126, 128, 128}, {502, 512, 512}}, {{1, -1, -1}, {63, 102, 240}, {250, 409, 960}},
    {{-1, 1, -1}, {173, 42, 26}, {691, 167, 105}}, {{-1, -1, 1}, {32, 240, 118}, {127, 960, 471}},
};

TEST(PackFrame, MeetsBt709CodeValues) {
  for (const KnownColor& known : kKnown) {
    const TestFrame frame = FlatFrame(6, 4, known.rgb[0], known.rgb[1], known.rgb[2]);
    for (const std::string ratio : {"420", "422", "444"}) {
      const auto codes8 = Pack(frame, "yuv" + ratio + "p");
      const auto codes10 = Pack(frame, "yuv" + ratio + "p10le");
      for (int c = 0; c < 3; ++c) {
        EXPECT_THAT(codes8[c], Each(known.codes8[c])) << ratio << " plane " << c;
        EXPECT_THAT(codes10[c], Each(known.codes10[c])) << ratio << " plane " << c;
      }
    }
  }
}

TEST(PackFrame, ClampsWhatIsOutOfRange) {
  EXPECT_THAT(Pack(FlatFrame(2, 2, 7, INFINITY, 1.01f), "yuv420p")[0], Each(235));
  EXPECT_THAT(Pack(FlatFrame(2, 2, NAN, -3, -INFINITY), "yuv420p")[0], Each(16));
}

TEST(PackFrame, SitesChromaAtTheEvenColumn) {
  TestFrame frame = FlatFrame(6, 2, -1, -1, -1);
  for (int y = 0; y < 2; ++y) {
    for (int x = 3; x < 6; ++x) frame.at(2, y, x) = 1;  // blue from column 3 on
  }
  // Blue's Cb is 112 above the middle; column 2 sees it with weight 1/4, column 4 is all blue.
  EXPECT_THAT(Pack(frame, "yuv420p")[1], ElementsAre(128, 156, 240));
  YuvColor centered;
  centered.site = ChromaSite::kCenter;
  EXPECT_THAT(Pack(frame, "yuv420p", centered)[1], ElementsAre(128, 184, 240));
}

TEST(PackFrame, AveragesChromaOfTwoRows) {
  TestFrame frame = FlatFrame(2, 3, -1, -1, -1);
  for (int x = 0; x < 2; ++x) frame.at(2, 1, x) = frame.at(2, 2, x) = 1;
  EXPECT_THAT(Pack(frame, "yuv420p")[1], ElementsAre(184, 240));  // the last row stands alone
  EXPECT_THAT(Pack(frame, "yuv422p")[1], ElementsAre(128, 240, 240));
}

TEST(PackFrame, DoesNotDependOnThreads) {
  const TestFrame frame = WaveFrame(67, 131, 0.3);
  EXPECT_EQ(Pack(frame, "yuv420p10", {}, 1), Pack(frame, "yuv420p10", {}, 7));
}

TEST(PackFrame, KeepsRgbToHalfACode) {
  const TestFrame frame = WaveFrame(33, 9, 0.1);
  for (int bits : {8, 16}) {
    std::vector<uint8_t> bytes(33 * 9 * 3 * bits / 8);
    Planes planes;
    planes.data[0] = bytes.data();
    planes.stride[0] = 33 * 3 * bits / 8;
    PackFrame(frame.view(), PackedRgbLayout(bits), {}, planes, 2);
    ConstPlanes in;
    in.data[0] = bytes.data();
    in.stride[0] = planes.stride[0];
    std::vector<float> back(frame.samples.size());
    UnpackFrame(in, 33, 9, PackedRgbLayout(bits), {}, back.data(), 2);
    const double half_code = 1.0 / ((1 << bits) - 1);
    EXPECT_LE(LargestDifference(frame.samples, back), half_code * 1.01 + 1e-6) << bits;
  }
}

std::vector<float> ThereAndBack(const TestFrame& frame, const std::string& format,
                                const YuvColor& color) {
  const PixelLayout layout = PlanarYuvLayout(format).value();
  Planes out;
  ConstPlanes in;
  std::vector<std::vector<uint8_t>> bytes(3);
  for (int c = 0; c < 3; ++c) {
    bytes[c].resize(frame.width * frame.height * 2);
    out.data[c] = bytes[c].data();
    in.data[c] = bytes[c].data();
    out.stride[c] = in.stride[c] = frame.width * 2;
  }
  PackFrame(frame.view(), layout, color, out, 3);
  std::vector<float> back(frame.samples.size());
  UnpackFrame(in, frame.width, frame.height, layout, color, back.data(), 3);
  return back;
}

TEST(UnpackFrame, InvertsPackingAtAllSizesAndTags) {
  for (const auto& [width, height] : {std::pair{64, 48}, {65, 47}, {1, 1}, {2, 1}, {3, 5}}) {
    const TestFrame frame = WaveFrame(width, height, 0.7);
    for (const std::string ratio : {"420", "422", "444"}) {
      for (const std::string depth : {"", "10", "12"}) {
        for (ChromaSite site : {ChromaSite::kLeft, ChromaSite::kCenter}) {
          for (bool full : {false, true}) {
            YuvColor color;
            color.site = site;
            color.full_range = full;
            const auto back = ThereAndBack(frame, "yuv" + ratio + "p" + depth, color);
            // Rounding, and for subsampled chroma the curvature of the waves and the edges.
            const double tolerance = (depth.empty() ? 0.016 : 0.004) + (ratio == "444" ? 0 : 0.04);
            EXPECT_LE(LargestDifference(frame.samples, back), tolerance)
                << width << "x" << height << " " << ratio << depth << " " << full;
          }
        }
      }
    }
  }
}

TEST(UnpackFrame, ExpandsGrey) {
  const uint8_t codes[] = {16, 235, 0, 255};
  ConstPlanes planes;
  planes.data[0] = codes;
  planes.stride[0] = 4;
  std::vector<float> rgb(12);
  UnpackFrame(planes, 4, 1, PlanarYuvLayout("gray").value(), {}, rgb.data(), 1);
  EXPECT_THAT(rgb, ElementsAre(-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1));
}

TEST(PlanarYuvLayout, KnowsItsNames) {
  EXPECT_EQ(PlanarYuvLayout("yuv420p12")->samples[0].depth, 12);
  for (const char* name :
       {"", "yuv420", "yuv420p9", "yuv420ple", "yuv411p", "rgb24", "yuv444p16"}) {
    EXPECT_FALSE(PlanarYuvLayout(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace t3
