// Running the t3 program in tests.
#pragma once

#include <csignal>
#include <string>
#include <vector>

namespace t3 {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal when it died of one
  std::string out;
  std::string err;
};

// Runs t3 with `arguments` in a fresh process and waits for it. `seconds_to_interrupt` > 0:
// `signal` after that time. `file_limit` > 0: no file may grow beyond so many bytes (RLIMIT_FSIZE).
struct ProgramOptions {
  double seconds_to_interrupt = 0;
  int signal = SIGINT;
  long long file_limit = 0;
};
ProgramResult RunT3(const std::vector<std::string>& arguments, const ProgramOptions& options = {});

// A new empty folder, removed with everything in it at destruction.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// tests/data/reference/NAME.
std::string ReferencePath(const std::string& name);

}  // namespace t3
