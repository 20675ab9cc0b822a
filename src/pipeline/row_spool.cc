// The spool over POSIX files.
#include "pipeline/row_spool.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kCodeBytes = 2;

// An unlinked temporary file: the kernel frees it when the process ends.
int OpenNameless(const std::string& folder) {
  std::string name = folder + "/.t3-spool-XXXXXX";
  const int file = ::mkstemp(name.data());
  T3_CHECK(file >= 0, "cannot make a spool file in {}: {}", folder, std::strerror(errno));
  ::unlink(name.c_str());
  return file;
}

void CheckSpace(const std::string& folder, int64_t bytes) {
  struct statvfs system {};
  if (::statvfs(folder.c_str(), &system) != 0) return;  // posix_fallocate reports it
  const int64_t available = static_cast<int64_t>(system.f_bavail * system.f_frsize);
  T3_CHECK(
      available >= bytes,
      "frames on their way need {} of temporary disk space, and {} has {}; give an `output` on "
      "another disk, or for decoding a larger `memory-limit`",
      FormatBytes(bytes), folder, FormatBytes(available));
}

}  // namespace

RowSpool::RowSpool(const std::string& folder, int64_t frames, int64_t height, int64_t width)
    : folder_(folder.empty() ? "." : folder), height_(height), width_(width) {
  const int64_t bytes = Offset(frames, 0, 0);
  CheckSpace(folder_, bytes);
  file_ = OpenNameless(folder_);
  int code = EINTR;
  while (code == EINTR) code = ::posix_fallocate(file_, 0, bytes);
  if (code != 0) {
    ::close(file_);
    Fail("cannot reserve {} of disk space in {}: {}", FormatBytes(bytes), folder_,
         std::strerror(code));
  }
}

RowSpool::~RowSpool() { ::close(file_); }

int64_t RowSpool::Offset(int64_t frame, int64_t channel, int64_t row) const {
  return ((frame * 3 + channel) * height_ + row) * width_ * kCodeBytes;
}

void RowSpool::Write(int64_t frame, int64_t channel, int64_t row, int64_t rows,
                     const int16_t* codes) {
  const char* data = reinterpret_cast<const char*>(codes);
  int64_t offset = Offset(frame, channel, row), left = rows * width_ * kCodeBytes;
  while (left > 0) {
    const ssize_t done = ::pwrite(file_, data, static_cast<size_t>(left), offset);
    if (done < 0 && errno == EINTR) continue;
    T3_CHECK(done > 0, "cannot write the spool file in {}: {}", folder_, std::strerror(errno));
    data += done, offset += done, left -= done;
  }
}

void RowSpool::Read(int64_t frame, int16_t* codes) const {
  char* data = reinterpret_cast<char*>(codes);
  int64_t offset = Offset(frame, 0, 0), left = Offset(1, 0, 0);
  while (left > 0) {
    const ssize_t done = ::pread(file_, data, static_cast<size_t>(left), offset);
    if (done < 0 && errno == EINTR) continue;
    T3_CHECK(done > 0, "cannot read the spool file in {}: {}", folder_,
             done < 0 ? std::strerror(errno) : "it ends early");
    data += done, offset += done, left -= done;
  }
}

}  // namespace t3
