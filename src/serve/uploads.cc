// Storing uploads.
#include "serve/uploads.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/write_all.h"
#include "serve/api_error.h"
#include "serve/ids.h"

namespace t3::serve {
namespace {

struct Signature {
  size_t offset;
  std::string_view bytes;
  MediaKind kind;
  std::string_view also = {};  // at offset 8; or empty
};

constexpr std::array<Signature, 9> kSignatures{{
    {0, "\x89PNG\r\n\x1a\n", {"image", ".png"}},
    {0, "\xff\xd8\xff", {"image", ".jpg"}},
    {0, "RIFF", {"image", ".webp"}, "WEBP"},
    {4, "ftyp", {"video", ".mp4"}},
    {0, "\x1a\x45\xdf\xa3", {"video", ".mkv"}},
    {0, "RIFF", {"video", ".avi"}, "AVI "},
    {0, "YUV4MPEG2", {"video", ".y4m"}},
    {0, "GIF8", {"video", ".gif"}},
    {4, "moov", {"video", ".mov"}},
}};

}  // namespace

std::optional<MediaKind> SniffMedia(std::string_view head) {
  const auto has = [&](size_t offset, std::string_view bytes) {
    return head.size() >= offset && head.substr(offset).starts_with(bytes);
  };
  for (const Signature& signature : kSignatures) {
    const bool also = signature.also.empty() || has(8, signature.also);
    if (has(signature.offset, signature.bytes) && also) return signature.kind;
  }
  return std::nullopt;
}

Upload::Upload(const std::string& folder, int64_t max_bytes)
    : path_(folder + "/" + RandomHex(16)),
      file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)),
      max_bytes_(max_bytes) {
  T3_CHECK(file_.get() >= 0, "{} cannot be created: {}", path_, std::strerror(errno));
}

Upload::~Upload() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void Upload::Append(std::string_view bytes) {
  bytes_ += std::ssize(bytes);
  if (bytes_ > max_bytes_) {
    throw ApiError(413, "too_large",
                   fmt::format("`input_reference` has more than {} bytes", max_bytes_),
                   "input_reference");
  }
  if (head_.size() < kSniffBytes) head_ += bytes.substr(0, kSniffBytes - head_.size());
  if (!WriteAll(file_.get(), bytes))
    throw ApiError(503, "disk_full", "the server has no room for the upload").RetryAfter(60);
}

MediaKind Upload::Kind() const {
  if (const std::optional<MediaKind> kind = SniffMedia(head_)) return *kind;
  throw ApiError(400, "invalid_value",
                 "`input_reference` is not a picture (PNG, JPEG, WebP) or a video (MP4, MOV, MKV, "
                 "WebM, AVI, GIF, Y4M)",
                 "input_reference");
}

void Upload::MoveTo(const std::string& path) {
  T3_CHECK(::rename(path_.c_str(), path.c_str()) == 0, "{} cannot be moved to {}: {}", path_, path,
           std::strerror(errno));
  path_.clear();
}

}  // namespace t3::serve
