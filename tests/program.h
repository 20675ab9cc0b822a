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
// `signal` after that time; `seconds_to_kill` > 0: SIGKILL. `file_limit` > 0: no file may grow
// beyond so many bytes (RLIMIT_FSIZE). `environment`: "NAME=value", added to the test's own;
// T3_MODEL_DIR and T3_DEVICE are not passed on, and the cache folder is one of the test's own.
struct ProgramOptions {
  double seconds_to_interrupt = 0;
  int signal = SIGINT;
  double seconds_to_kill = 0;
  long long file_limit = 0;
  std::vector<std::string> environment = {};
  std::string folder = {};  // to run in; empty: the test's own
  // Where stdout and stderr go in place of the result; "closed" closes the stream.
  std::string stdout_to = {};
  std::string stderr_to = {};
};
ProgramResult RunT3(const std::vector<std::string>& arguments, const ProgramOptions& options = {});

// Arguments that generate the smallest video with the small model, followed by `more`, which names
// prompt and output.
std::vector<std::string> Small(const std::vector<std::string>& more);

// `arguments` followed by `more`, whose flags with a value replace those of `arguments`.
std::vector<std::string> With(std::vector<std::string> arguments,
                              const std::vector<std::string>& more);

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

// Everything in a file; "" where there is none.
std::string ReadBytes(const std::string& path);

// Names of what is in a folder, sorted.
std::vector<std::string> NamesIn(const std::string& folder);

}  // namespace t3
