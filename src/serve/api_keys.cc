// The keys file.
#include "serve/api_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/failure.h"
#include "base/output_lock.h"
#include "base/read_text.h"
#include "base/text.h"
#include "serve/ids.h"
#include "serve/server_log.h"

namespace t3::serve {
namespace {

using KeyList = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kHashDigits = 64;

bool IsKeyName(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, allowed);
}

bool IsHash(const std::string& text) {
  return text.size() == kHashDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

KeyList ParseKeys(const std::string& text, const std::string& path) {
  KeyList keys;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos || line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string name, hash, rest;
    words >> name >> hash >> rest;
    T3_CHECK(IsKeyName(name) && IsHash(hash) && rest.empty(),
             "{}, line {}: wanted a name and the SHA-256 of its key as 64 hexadecimal digits, as "
             "`t3 serve --create-key NAME` writes them",
             path, number);
    keys.emplace_back(name, hash);
  }
  return keys;
}

// When the file changed, in nanoseconds; -1: there is none.
int64_t ChangeTime(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return -1;
  return info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
}

}  // namespace

std::string HashOfKey(std::string_view key) {
  std::array<unsigned char, 32> hash{};
  T3_CHECK(EVP_Digest(key.data(), key.size(), hash.data(), nullptr, EVP_sha256(), nullptr) == 1,
           "libcrypto cannot compute SHA-256");
  std::string text;
  for (const unsigned char byte : hash) text += fmt::format("{:02x}", byte);
  return text;
}

ApiKeys::ApiKeys(std::string path) : path_(std::move(path)) {
  changed_ = ChangeTime(path_);
  if (changed_ >= 0) keys_ = ParseKeys(ReadText(path_), path_);
}

// A file that has become wrong leaves the keys as they were.
void ApiKeys::ReadIfChanged() {
  const int64_t changed = ChangeTime(path_);
  if (changed == changed_) return;
  changed_ = changed;
  try {
    keys_ = changed < 0 ? KeyList{} : ParseKeys(ReadText(path_), path_);
  } catch (...) {
    Log("error", "keys", {{"text", CurrentError().what()}});
  }
}

std::optional<std::string> ApiKeys::Check(std::string_view key) {
  const std::string hash = HashOfKey(key);
  const std::lock_guard lock(mutex_);
  ReadIfChanged();
  const std::string* found = nullptr;
  for (const auto& [name, known] : keys_)
    if (CRYPTO_memcmp(hash.data(), known.data(), kHashDigits) == 0) found = &name;
  return found == nullptr ? std::nullopt : std::optional(*found);
}

bool ApiKeys::empty() {
  const std::lock_guard lock(mutex_);
  ReadIfChanged();
  return keys_.empty();
}

std::string CreateKey(const std::string& path, const std::string& name) {
  if (!IsKeyName(name)) {
    FailUsage("the name {} of a key: wanted 1 to 64 letters, digits, '.', '_' or '-'", Quote(name));
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder);
  const OutputLock lock = OutputLock::Wait(path);
  std::string text = ChangeTime(path) < 0 ? "" : ReadText(path);
  for (const auto& [known, hash] : ParseKeys(text, path)) {
    if (known == name)
      FailUsage("{} has a key of the name {}; remove its line to replace it", path, name);
  }
  std::string key = "t3-" + RandomHex(32);
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  text += fmt::format("{} {}\n", name, HashOfKey(key));
  WriteAtomically(path, text);
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return key;
}

std::string_view BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(authorization[i])) != kScheme[i]) return {};
  return authorization.substr(kScheme.size());
}

}  // namespace t3::serve
