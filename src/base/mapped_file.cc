// MappedFile over POSIX mmap.
#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace t3 {

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  T3_CHECK(fd >= 0, "cannot open {}: {}", path, std::strerror(errno));
  struct stat info {};
  const bool known = ::fstat(fd, &info) == 0;
  if (!known || !S_ISREG(info.st_mode)) {
    ::close(fd);
    Fail("cannot read {}: it is not a regular file", path);
  }
  size_ = static_cast<size_t>(info.st_size);
  void* mapping = size_ > 0 ? ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0) : nullptr;
  const int map_error = errno;
  ::close(fd);
  T3_CHECK(mapping != MAP_FAILED, "cannot map {} ({} bytes): {}", path, size_,
           std::strerror(map_error));
  data_ = static_cast<const std::byte*>(mapping);
  if (data_ != nullptr) guard_.emplace(data_, size_, path);
}

MappedFile::~MappedFile() {
  guard_.reset();
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace t3
