// Mapped files whose pages cannot be read any more: the file was cut short, or its disk failed.
#pragma once

#include <cstddef>
#include <string>

namespace t3 {

// Registers a mapping for as long as it exists. A page of it that cannot be read would end the
// process by SIGBUS; instead the rest of the mapping reads as zeros, and CheckMappedFiles reports
// it. The first one installs the handler; other faults go to the handler that was there before.
class GuardedMapping {
 public:
  GuardedMapping(const std::byte* data, size_t size, const std::string& path);
  ~GuardedMapping();
  GuardedMapping(const GuardedMapping&) = delete;
  GuardedMapping& operator=(const GuardedMapping&) = delete;

 private:
  int slot_ = -1;  // -1: the table was full
};

// Throws Error that names a mapped file of which pages were lost. Whoever copies data out of a
// mapping calls this afterwards: the copy may hold zeros.
void CheckMappedFiles();

}  // namespace t3
