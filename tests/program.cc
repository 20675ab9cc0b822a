// fork, exec and pipes around the program.
#include "program.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace t3 {
namespace {

void RedirectTo(const std::string& path, int descriptor) {
  if (path == "closed") {
    ::close(descriptor);
    return;
  }
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(fd, descriptor);
  ::close(fd);
}

[[noreturn]] void Exec(const std::vector<std::string>& arguments, const ProgramOptions& options,
                       const TemporaryFolder& folder) {
  RedirectTo(options.stdout_to.empty() ? folder / "out" : options.stdout_to, STDOUT_FILENO);
  RedirectTo(options.stderr_to.empty() ? folder / "err" : options.stderr_to, STDERR_FILENO);
  ::unsetenv("T3_MODEL_DIR");
  ::unsetenv("T3_DEVICE");
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  // The models are so small that threads only wait for one another.
  ::setenv("OMP_NUM_THREADS", "1", 1);
  for (const std::string& variable : options.environment)
    ::putenv(const_cast<char*>(variable.c_str()));
  if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
  if (options.file_limit > 0) {
    const rlimit limit{static_cast<rlim_t>(options.file_limit),
                       static_cast<rlim_t>(options.file_limit)};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> argv{const_cast<char*>(T3_PROGRAM)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(T3_PROGRAM, argv.data());
  ::_exit(127);
}

}  // namespace

ProgramResult RunT3(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) Exec(arguments, options, folder);
  if (options.seconds_to_interrupt > 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds_to_interrupt));
    ::kill(child, options.signal);
  }
  if (options.seconds_to_kill > 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds_to_kill));
    ::kill(child, SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ProgramResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = ReadBytes(folder / "out");
  result.err = ReadBytes(folder / "err");
  return result;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "t3-test-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> Small(const std::vector<std::string>& more) {
  return With({"generate", "--model", ReferencePath("mini2.1"), "--size", "32x32", "--frames", "1",
               "--steps", "2", "--device", "cpu", "--dtype", "fp32"},
              more);
}

std::vector<std::string> With(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
  const std::set<std::string> repeatable{"--lora", "--add-lora", "--set"};
  for (size_t i = 0; i + 1 < more.size(); ++i) {
    const bool has_value = more[i].starts_with("--") && !more[i + 1].starts_with("--");
    if (!has_value || repeatable.contains(more[i])) continue;
    const auto own = std::ranges::find(arguments, more[i]);
    if (own != arguments.end()) arguments.erase(own, own + 2);
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string ReferencePath(const std::string& name) {
  return std::string(T3_SOURCE_DIR) + "/tests/data/reference/" + name;
}

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace t3
