// Memory of the host that this process may use: the machine's, or less in a container.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace t3 {

// Bytes.
struct HostMemory {
  int64_t total = 0;
  int64_t available = 0;
};

HostMemory ReadHostMemory();

// The tightest limit of the control groups that `membership` (the text of /proc/self/cgroup)
// names, of version 1 or 2, mounted at `root`; nullopt where none is set. Page cache counts as
// available: the kernel frees it first.
std::optional<HostMemory> ReadCgroupMemory(const std::string& root, const std::string& membership);

}  // namespace t3
