// Reading /proc.
#include "runtime/proc_field.h"

#include <cstdlib>
#include <fstream>

namespace t3 {

std::string ProcField(const char* path, const std::string& field) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(field)) continue;
    const size_t colon = line.find_first_not_of(" \t", field.size());
    if (colon == std::string::npos || line[colon] != ':') continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

int64_t ProcBytes(const char* path, const std::string& field) {
  return std::atoll(ProcField(path, field).c_str()) * 1024;
}

}  // namespace t3
