// flock(2) on files that may be renamed or removed by others meanwhile.
#pragma once

#include <string>

#include "base/file_descriptor.h"

namespace t3 {

enum class LockResult {
  kLocked,       // until the descriptor is closed, at the latest when the process ends
  kHeld,         // by another process or another descriptor of this one
  kUnsupported,  // the file system has no locks
  kGone,         // the file was removed or replaced after it was opened
};

// Locks `file`, which was opened from `path`, exclusively and without waiting. The kernel frees a
// lock when its holder dies, so it distinguishes dead owners from live ones in whatever PID
// namespace they are, and over NFS on whatever host.
LockResult TryLock(const FileDescriptor& file, const std::string& path);

// Whether the locks of the file system that `file` is on may be invisible to other hosts that
// share it.
bool IsSharedBetweenHosts(const FileDescriptor& file);

// Eight hexadecimal digits that stand for this host.
std::string HostTag();
// Its name, as uname(2) gives it.
std::string HostName();

}  // namespace t3
