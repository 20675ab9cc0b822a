// What a rank makes of the rows that it decodes before it sends them: samples of the written file.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "media/planar_format.h"
#include "models/decoder/decoded_rows.h"
#include "plan/geometry.h"
#include "plan/row_range.h"

namespace t3 {

// Decoded pixels (3,n,h,W) that start at row `row` of the made video, cut to what is written.
struct CroppedRows {
  at::Tensor pixels;  // a view
  int64_t row = 0;    // of the written video
};
CroppedRows CropRows(const at::Tensor& pixels, int64_t row, const VideoGeometry& geometry);

// Of a frame size and the format of its file.
class RowFormat {
 public:
  RowFormat(const VideoGeometry& geometry, const PlanarFormat& planar);
  // Of Text(), which other ranks get.
  explicit RowFormat(const std::string& text);
  std::string Text() const;

  // Whether rows can be made into samples apart from their neighbours: chroma that is the mean of
  // two rows must not be divided, and decoders divide frames at even rows.
  bool Divisible() const;

  // (n,bytes) uint8: of each frame the planes of its rows without gaps.
  at::Tensor Samples(const DecodedRows& rows) const;
  // The bytes for these rows of the made video; 0 where none of them is written.
  int64_t Bytes(const RowRange& rows) const;

  // Which of the rows are written, in the written video.
  RowRange Written(const RowRange& rows) const;
  const VideoGeometry& geometry() const { return geometry_; }
  const PixelLayout& layout() const { return layout_; }

 private:
  VideoGeometry geometry_;  // padded and written size, and where the latter begins
  PlanarFormat planar_;
  PixelLayout layout_;
};

// Samples of slabs to whole frames.
class SampleAssembler {
 public:
  // `sink` gets consecutive frames (bytes).
  SampleAssembler(const RowFormat& format, std::function<void(const at::Tensor& frame)> sink)
      : format_(format), sink_(std::move(sink)) {}
  // Of rows that are a part of the frames [frame, frame + n); frames are complete with the last row
  // of the made video.
  void Add(const at::Tensor& samples, const RowRange& rows);

 private:
  const RowFormat& format_;
  std::function<void(const at::Tensor& frame)> sink_;
  at::Tensor frames_;  // (n,bytes)
};

}  // namespace t3
