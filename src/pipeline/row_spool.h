// A temporary file for frames: of a decode slab by slab, and of a clip that is read several times.
#pragma once

#include <cstdint>
#include <string>

#include "base/unnamed_file.h"

namespace t3 {

// Frames of 16-bit RGB on disk, as FrameCodes (pipeline/frame_codes.h) has them. The file has no
// name, so nothing is left of it however the process ends.
class RowSpool {
 public:
  // In `folder`; reserves all of the space. Throws Error when the file system has too little.
  RowSpool(const std::string& folder, int64_t frames, int64_t height, int64_t width);
  RowSpool(const RowSpool&) = delete;
  RowSpool& operator=(const RowSpool&) = delete;

  // Rows [row, row + rows) of one channel of a frame, `codes` (rows, width).
  void Write(int64_t frame, int64_t channel, int64_t row, int64_t rows, const int16_t* codes);
  // A whole frame, (3, height, width).
  void Write(int64_t frame, const int16_t* codes) { Write(frame, 0, 0, 3 * height_, codes); }
  void Read(int64_t frame, int16_t* codes) const;

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }

 private:
  int64_t Offset(int64_t frame, int64_t channel, int64_t row) const;

  std::string folder_;
  int64_t height_;
  int64_t width_;
  UnnamedFile file_;
};

}  // namespace t3
