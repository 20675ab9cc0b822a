// Rows to samples, samples to frames.
#include "pipeline/row_format.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/planar_samples.h"

namespace t3 {
namespace {

using nlohmann::json;

VideoGeometry GeometryOf(const json& text) {
  VideoGeometry geometry;
  geometry.width = text.at("width");
  geometry.height = text.at("height");
  geometry.crop_x = text.at("crop_x");
  geometry.crop_y = text.at("crop_y");
  geometry.padded_height = text.at("padded_height");
  return geometry;
}

PlanarFormat PlanarOf(const json& text) {
  YuvColor color{.kr = text.at("kr"), .kb = text.at("kb"), .full_range = text.at("full_range")};
  color.site = static_cast<ChromaSite>(text.at("site").get<int>());
  return {text.at("pixel_format"), color};
}

}  // namespace

CroppedRows CropRows(const at::Tensor& pixels, int64_t row, const VideoGeometry& geometry) {
  const int64_t begin = std::max(row, geometry.crop_y);
  const int64_t end = std::min(row + pixels.size(2), geometry.crop_y + geometry.height);
  return {pixels.narrow(2, std::min(begin - row, pixels.size(2)), std::max<int64_t>(end - begin, 0))
              .narrow(3, geometry.crop_x, geometry.width),
          begin - geometry.crop_y};
}

RowFormat::RowFormat(const VideoGeometry& geometry, const PlanarFormat& planar)
    : geometry_(geometry), planar_(planar), layout_(planar.Layout()) {}

RowFormat::RowFormat(const std::string& text)
    : RowFormat(GeometryOf(json::parse(text)), PlanarOf(json::parse(text))) {}

std::string RowFormat::Text() const {
  return json{{"width", geometry_.width},
              {"height", geometry_.height},
              {"crop_x", geometry_.crop_x},
              {"crop_y", geometry_.crop_y},
              {"padded_height", geometry_.padded_height},
              {"pixel_format", planar_.name},
              {"kr", planar_.color.kr},
              {"kb", planar_.color.kb},
              {"full_range", planar_.color.full_range},
              {"site", static_cast<int>(planar_.color.site)}}
      .dump();
}

bool RowFormat::Divisible() const {
  return layout_.log2_chroma_h == 0 || geometry_.crop_y % 2 == 0;
}

at::Tensor RowFormat::Samples(const DecodedRows& rows) const {
  const at::Tensor pixels = CropRows(rows.pixels, rows.row, geometry_).pixels;
  const int64_t bytes = Bytes({rows.row, rows.row + rows.pixels.size(2)});
  at::Tensor samples = at::empty({pixels.size(1), bytes}, rows.pixels.options().dtype(at::kByte));
  for (int64_t i = 0; i < pixels.size(1) && bytes > 0; ++i)
    samples[i].copy_(PlanarSamples(pixels.select(1, i), planar_));
  return samples;
}

int64_t RowFormat::Bytes(const RowRange& rows) const {
  int64_t bytes = 0;
  for (int c = 0; c < layout_.components; ++c)
    bytes += PlaneSizeOf(layout_, c, geometry_.width, Written(rows).size()).bytes();
  return bytes;
}

RowRange RowFormat::Written(const RowRange& rows) const {
  const auto written = [&](int64_t row) {
    return std::clamp<int64_t>(row - geometry_.crop_y, 0, geometry_.height);
  };
  return {written(rows.begin), written(rows.end)};
}

void SampleAssembler::Add(const at::Tensor& samples, const RowRange& rows) {
  const VideoGeometry& video = format_.geometry();
  const PixelLayout& layout = format_.layout();
  if (rows.begin == 0) {
    frames_ =
        at::empty({samples.size(0), format_.Bytes({0, video.padded_height})}, samples.options());
  }
  const RowRange written = format_.Written(rows);
  int64_t from = 0, plane = 0;  // bytes
  for (int c = 0; c < layout.components; ++c) {
    const int64_t above = PlaneSizeOf(layout, c, video.width, written.begin).bytes();
    const int64_t count = PlaneSizeOf(layout, c, video.width, written.size()).bytes();
    frames_.narrow(1, plane + above, count).copy_(samples.narrow(1, from, count));
    from += count;
    plane += PlaneSizeOf(layout, c, video.width, video.height).bytes();
  }
  if (rows.end < video.padded_height) return;
  const at::Tensor done = std::exchange(frames_, at::Tensor());
  for (int64_t i = 0; i < done.size(0); ++i) sink_(done[i]);
}

}  // namespace t3
