// /proc/meminfo and the control groups.
#include "runtime/host_memory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/proc_field.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// One kernel interface; a group of version 2 has no named hierarchy.
struct CgroupFiles {
  const char* folder;  // below the root
  const char* limit;
  const char* usage;
  const char* cache[2];  // fields of memory.stat
};
constexpr CgroupFiles kVersion1{"memory",
                                "memory.limit_in_bytes",
                                "memory.usage_in_bytes",
                                {"total_inactive_file", "total_active_file"}};
constexpr CgroupFiles kVersion2{
    "", "memory.max", "memory.current", {"inactive_file", "active_file"}};

// nullopt for "max" and for a file that is not there.
std::optional<int64_t> ReadNumber(const fs::path& path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

int64_t CacheBytes(const fs::path& group, const CgroupFiles& files) {
  std::ifstream stat(group / "memory.stat");
  int64_t bytes = 0, value = 0;
  for (std::string name; stat >> name >> value;) {
    if (name == files.cache[0] || name == files.cache[1]) bytes += value;
  }
  return bytes;
}

// Limits hold for all groups below: the tightest on the path to the root counts. In a container
// the path may be the host's, of which only the root is visible.
void Tighten(const fs::path& mount, const fs::path& path, const CgroupFiles& files,
             std::optional<HostMemory>& memory) {
  constexpr int64_t kUnlimited = int64_t{1} << 60;  // version 1 writes a huge number for "none"
  for (fs::path group = path.relative_path();; group = group.parent_path()) {
    const fs::path folder = mount / group;
    const std::optional<int64_t> limit = ReadNumber(folder / files.limit);
    const std::optional<int64_t> usage = ReadNumber(folder / files.usage);
    if (limit && usage && *limit < kUnlimited) {
      const int64_t used = std::max<int64_t>(0, *usage - CacheBytes(folder, files));
      const HostMemory here{*limit, std::max<int64_t>(0, *limit - used)};
      if (!memory) memory = here;
      memory->total = std::min(memory->total, here.total);
      memory->available = std::min(memory->available, here.available);
    }
    if (group.empty()) return;
  }
}

}  // namespace

std::optional<HostMemory> ReadCgroupMemory(const std::string& root, const std::string& membership) {
  std::optional<HostMemory> memory;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {  // "4:memory:/docker/abc" or "0::/user"
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path path = line.substr(second + 1);
    const fs::path mount(root);
    if (controllers == ",,") Tighten(mount / kVersion2.folder, path, kVersion2, memory);
    if (controllers.find(",memory,") != std::string::npos)
      Tighten(mount / kVersion1.folder, path, kVersion1, memory);
  }
  return memory;
}

HostMemory ReadHostMemory() {
  HostMemory memory{ProcBytes("/proc/meminfo", "MemTotal"),
                    ProcBytes("/proc/meminfo", "MemAvailable")};
  std::ifstream file("/proc/self/cgroup");
  const std::string membership{std::istreambuf_iterator<char>(file), {}};
  if (const auto group = ReadCgroupMemory("/sys/fs/cgroup", membership)) {
    memory.total = std::min(memory.total, group->total);
    memory.available = std::min(memory.available, group->available);
  }
  return memory;
}

}  // namespace t3
