// ReadText over POSIX read.
#include "base/read_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/file_descriptor.h"

namespace t3 {

std::string ReadText(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{1} << 30;
  constexpr size_t kChunk = size_t{1} << 16;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  T3_CHECK(file.get() >= 0, "cannot open {}: {}", path, std::strerror(errno));
  std::string text;
  while (true) {
    const size_t size = text.size();
    text.resize(size + kChunk);
    const ssize_t count = ::read(file.get(), text.data() + size, kChunk);
    if (count < 0 && errno != EINTR) Fail("cannot read {}: {}", path, std::strerror(errno));
    text.resize(size + static_cast<size_t>(count > 0 ? count : 0));
    if (count == 0) return text;
    T3_CHECK(text.size() <= kMaxBytes, "cannot read {}: it has more than {} bytes", path,
             kMaxBytes);
  }
}

}  // namespace t3
