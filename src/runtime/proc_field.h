// Fields of files in /proc.
#pragma once

#include <cstdint>
#include <string>

namespace t3 {

// The rest of the line of `path` that begins with "FIELD:", or "".
std::string ProcField(const char* path, const std::string& field);

// A field in kB as bytes; 0 where the file lacks it.
int64_t ProcBytes(const char* path, const std::string& field);

}  // namespace t3
