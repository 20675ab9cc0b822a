// Where frames lie in the spool.
#include "pipeline/row_spool.h"

#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "base/free_space.h"

namespace t3 {
namespace {

constexpr int64_t kCodeBytes = 2;

void CheckSpace(const std::string& folder, int64_t bytes) {
  const std::optional<int64_t> available = FreeBytes(folder);
  if (!available) return;  // reserving reports a lack
  T3_CHECK(
      *available >= bytes,
      "frames on their way need {} of temporary disk space, and {} has {}; give an `output` on "
      "another disk, or for decoding a larger `memory-limit`",
      FormatBytes(bytes), folder, FormatBytes(*available));
}

}  // namespace

RowSpool::RowSpool(const std::string& folder, int64_t frames, int64_t height, int64_t width)
    : folder_(folder.empty() ? "." : folder), height_(height), width_(width) {
  const int64_t bytes = Offset(frames, 0, 0);
  CheckSpace(folder_, bytes);
  const std::string why = file_.Open(folder_);
  T3_CHECK(why.empty(), "cannot make a spool file in {}: {}", folder_, why);
  const std::string lack = file_.Reserve(bytes);
  T3_CHECK(lack.empty(), "cannot reserve {} of disk space in {}: {}", FormatBytes(bytes), folder_,
           lack);
}

int64_t RowSpool::Offset(int64_t frame, int64_t channel, int64_t row) const {
  return ((frame * 3 + channel) * height_ + row) * width_ * kCodeBytes;
}

void RowSpool::Write(int64_t frame, int64_t channel, int64_t row, int64_t rows,
                     const int16_t* codes) {
  const std::string why =
      file_.Write(codes, rows * width_ * kCodeBytes, Offset(frame, channel, row));
  T3_CHECK(why.empty(), "cannot write the spool file in {}: {}", folder_, why);
}

void RowSpool::Read(int64_t frame, int16_t* codes) const {
  const std::string why = file_.Read(codes, Offset(1, 0, 0), Offset(frame, 0, 0), "it ends early");
  T3_CHECK(why.empty(), "cannot read the spool file in {}: {}", folder_, why);
}

}  // namespace t3
