// A temporary file without a name: nothing is left of it, however the process ends.
#pragma once

#include <cstdint>
#include <string>

#include "base/file_descriptor.h"

namespace t3 {

// Functions return why they failed, for the caller's message; "" where they did not.
class UnnamedFile {
 public:
  // Makes the file in `folder`, which exists.
  std::string Open(const std::string& folder);
  bool is_open() const { return file_.get() >= 0; }

  // Takes disk space for the first `bytes` bytes.
  std::string Reserve(int64_t bytes) const;
  // All of `bytes` bytes, at `offset`.
  std::string Write(const void* data, int64_t bytes, int64_t offset) const;
  // Likewise. Where the file ends before them, that is `early`.
  std::string Read(void* data, int64_t bytes, int64_t offset, const char* early) const;

 private:
  FileDescriptor file_;
};

}  // namespace t3
