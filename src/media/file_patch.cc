// Reading and writing at places of a file.
#include "media/file_patch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace t3 {

FilePatch::FilePatch(const std::string& path)
    : path_(path), file_(path, std::ios::binary | std::ios::in | std::ios::out | std::ios::ate) {
  Require(file_.is_open(), "cannot be opened");
  size_ = file_.tellg();
}

std::string FilePatch::Read(int64_t position, int64_t count) {
  std::string bytes(static_cast<size_t>(count), '\0');
  Require(position >= 0 && position + count <= size_ &&
              file_.seekg(position).read(bytes.data(), count).good(),
          "is shorter than it was");
  return bytes;
}

void FilePatch::Write(int64_t position, std::string_view bytes) {
  errno = 0;
  file_.seekp(position).write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
  Require(file_.good(), errno != 0 ? std::strerror(errno) : "the text is not taken");
  size_ = std::max(size_, position + std::ssize(bytes));
}

void FilePatch::Close() {
  file_.close();
  Require(file_.good(), "it cannot be closed");
}

void FilePatch::Require(bool condition, const char* problem) const {
  T3_CHECK(condition, "cannot change {}: {}", path_, problem);
}

}  // namespace t3
