// API keys: who may use the server. The file holds names and hashes, never a key.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace t3::serve {

// SHA-256 as 64 lower-case hexadecimal digits. Keys have 256 random bits, so a slow hash would add
// nothing.
std::string HashOfKey(std::string_view key);

// Keys of a file with lines "NAME HASH"; empty lines and those that begin with '#' are skipped. The
// file is read again when it has changed. For use from several threads.
class ApiKeys {
 public:
  // Throws Error for a file that is not of that form; one that does not exist has no keys.
  explicit ApiKeys(std::string path);

  // The name of the key, or none where it is wrong. The time does not depend on which hash agrees
  // or how far.
  std::optional<std::string> Check(std::string_view key);
  bool empty();

 private:
  void ReadIfChanged();

  std::mutex mutex_;
  std::string path_;
  int64_t changed_ = -1;                                   // nanoseconds of the file that was read
  std::vector<std::pair<std::string, std::string>> keys_;  // name, hash
};

// Makes a key, adds its hash to the file, which is created where there is none (mode 0600), and
// returns the key. Throws Error for a name that is not 1 to 64 letters, digits, '.', '_' or '-', or
// is in the file.
std::string CreateKey(const std::string& path, const std::string& name);

// "Bearer KEY" -> KEY; empty for any other text.
std::string_view BearerToken(std::string_view authorization);

}  // namespace t3::serve
