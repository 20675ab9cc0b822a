// Small changes to a finished file.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace t3 {

// Each throws Error that names the file.
class FilePatch {
 public:
  explicit FilePatch(const std::string& path);

  int64_t size() const { return size_; }
  std::string Read(int64_t position, int64_t count);
  // Over what is there, and beyond the end.
  void Write(int64_t position, std::string_view bytes);
  void Append(std::string_view bytes) { Write(size_, bytes); }
  void Close();
  // Throws unless `condition` holds.
  void Require(bool condition, const char* problem) const;

 private:
  std::string path_;
  std::fstream file_;
  int64_t size_ = 0;
};

}  // namespace t3
