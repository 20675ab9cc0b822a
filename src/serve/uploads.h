// Files that clients upload. They are stored under random names and never decoded here: a worker
// does that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_descriptor.h"

namespace t3::serve {

struct MediaKind {
  std::string_view kind;       // "image" or "video"
  std::string_view extension;  // ".png"
};

// By the first bytes of a file, at least kSniffBytes of them where it has so many; none where it is
// not a kind that a worker reads.
inline constexpr size_t kSniffBytes = 16;
std::optional<MediaKind> SniffMedia(std::string_view head);

// A file that grows by pieces; removed with this object unless MoveTo was called.
class Upload {
 public:
  // Throws Error when the folder cannot be written.
  Upload(const std::string& folder, int64_t max_bytes);
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // Throws ApiError beyond the limit (413) and for a full disk (503).
  void Append(std::string_view bytes);
  // Throws ApiError where the file is empty or of no kind that is read.
  MediaKind Kind() const;
  // Gives the complete file another name in the same file system.
  void MoveTo(const std::string& path);
  int64_t bytes() const { return bytes_; }

 private:
  std::string path_;
  FileDescriptor file_;
  int64_t max_bytes_;
  int64_t bytes_ = 0;
  std::string head_;
};

}  // namespace t3::serve
