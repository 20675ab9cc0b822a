// A whole file mapped read-only.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/lost_pages.h"

namespace t3 {

// Maps `path` for reading; throws Error when it cannot be opened or is not a regular file. An empty
// file maps to an empty span. Pages are read on first touch, so a large file costs no memory. Pages
// that cannot be read then are zeros: see CheckMappedFiles.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::optional<GuardedMapping> guard_;
};

}  // namespace t3
