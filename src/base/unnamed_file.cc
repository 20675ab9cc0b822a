// Over POSIX files: unlinked at once, so that the kernel frees it when it is closed.
#include "base/unnamed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace t3 {

std::string UnnamedFile::Open(const std::string& folder) {
  std::string name = folder + "/.t3-spool-XXXXXX";
  file_ = FileDescriptor(::mkstemp(name.data()));
  if (!is_open()) return std::strerror(errno);
  ::unlink(name.c_str());
  return "";
}

std::string UnnamedFile::Reserve(int64_t bytes) const {
  int code = EINTR;
  while (code == EINTR) code = ::posix_fallocate(file_.get(), 0, bytes);
  return code == 0 ? "" : std::strerror(code);
}

std::string UnnamedFile::Write(const void* data, int64_t bytes, int64_t offset) const {
  const auto* from = static_cast<const char*>(data);
  for (int64_t done = 0; done < bytes;) {
    const ssize_t some =
        ::pwrite(file_.get(), from + done, static_cast<size_t>(bytes - done), offset + done);
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) return std::strerror(errno);
    done += some;
  }
  return "";
}

std::string UnnamedFile::Read(void* data, int64_t bytes, int64_t offset, const char* early) const {
  auto* to = static_cast<char*>(data);
  for (int64_t done = 0; done < bytes;) {
    const ssize_t some =
        ::pread(file_.get(), to + done, static_cast<size_t>(bytes - done), offset + done);
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) return some < 0 ? std::strerror(errno) : early;
    done += some;
  }
  return "";
}

}  // namespace t3
