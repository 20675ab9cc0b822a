// Tiles in rows.
#include "eval/contact_sheet.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "media/png_file.h"

namespace t3 {
namespace {

constexpr const char* kMark = "t3.written_by";
constexpr const char* kMarkText = "t3 eval";
constexpr int64_t kTileWidth = 256, kColumns = 6, kGap = 6;

at::Tensor Tile(const at::Tensor& video) {
  const int64_t height = std::max<int64_t>(1, kTileWidth * video.size(2) / video.size(3));
  const at::Tensor frame = video.select(1, video.size(1) / 2).to(at::kFloat).unsqueeze(0);
  const at::Tensor small = at::_upsample_bilinear2d_aa(frame, {height, kTileWidth}, false);
  return ((small[0] + 1) * 0.5).clamp(0, 1).cpu();
}

}  // namespace

void ContactSheet::Add(const at::Tensor& video, const at::Tensor& truth) {
  if (static_cast<int64_t>(tiles_.size()) >= kMax) return;
  at::Tensor tile = Tile(video);
  if (truth.defined()) tile = at::cat({tile, Tile(truth)}, 1);
  tiles_.push_back(at::constant_pad_nd(tile, {0, kGap, 0, kGap}, 1));
}

bool ContactSheet::IsSheet(const std::string& path) {
  try {
    const auto text = ReadPng(path, /*keep_16_bits=*/false).text;
    const auto mark = text.find(kMark);
    return mark != text.end() && mark->second == kMarkText;
  } catch (const std::exception&) {
    return false;
  }
}

void ContactSheet::Write(const std::string& path) const {
  if (tiles_.empty()) return;
  const int64_t columns = std::min<int64_t>(kColumns, static_cast<int64_t>(tiles_.size()));
  std::vector<at::Tensor> rows;
  for (size_t first = 0; first < tiles_.size(); first += static_cast<size_t>(columns)) {
    std::vector<at::Tensor> row(
        tiles_.begin() + static_cast<int64_t>(first),
        tiles_.begin() +
            static_cast<int64_t>(std::min(first + static_cast<size_t>(columns), tiles_.size())));
    while (static_cast<int64_t>(row.size()) < columns) row.push_back(at::ones_like(row[0]));
    rows.push_back(at::cat(row, 2));
  }
  const at::Tensor bytes =
      at::cat(rows, 1).mul(255).round().to(at::kByte).permute({1, 2, 0}).contiguous();
  PngPicture png;
  png.height = bytes.size(0), png.width = bytes.size(1);
  const uint8_t* const data = bytes.const_data_ptr<uint8_t>();
  png.data.assign(data, data + bytes.numel());
  png.text[kMark] = kMarkText;
  AtomicFile target(path);
  WritePng(target.temporary(), png);
  target.Commit();
}

}  // namespace t3
