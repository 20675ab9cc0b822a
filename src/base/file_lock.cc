// Advisory locks and the host's name.
#include "base/file_lock.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "base/digest.h"

namespace t3 {

LockResult TryLock(const FileDescriptor& file, const std::string& path) {
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? LockResult::kHeld : LockResult::kUnsupported;
  }
  struct stat opened {};
  struct stat named {};
  const bool same = ::fstat(file.get(), &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
                    opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
  return same ? LockResult::kLocked : LockResult::kGone;
}

bool IsSharedBetweenHosts(const FileDescriptor& file) {
  // NFS, SMB (three), Lustre, 9P, FUSE, Ceph, GPFS and BeeGFS, by the numbers of statfs(2).
  constexpr std::array<uint32_t, 10> kNetworkFileSystems{
      0x6969,     0x517B,     0xFF534D42, 0xFE534D42, 0x0BD00BD0,
      0x01021997, 0x65735546, 0x00C36400, 0x47504653, 0x19830326};
  struct statfs system {};
  if (::fstatfs(file.get(), &system) != 0) return true;
  const auto type = static_cast<uint32_t>(system.f_type);
  return std::ranges::find(kNetworkFileSystems, type) != kNetworkFileSystems.end();
}

std::string HostName() {
  struct utsname name {};
  return ::uname(&name) == 0 ? name.nodename : "unknown";
}

std::string HostTag() { return DigestText(Digest(HostName())).substr(0, 8); }

}  // namespace t3
