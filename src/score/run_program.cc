// posix_spawn with a pipe for what the program writes.
#include "score/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/file_descriptor.h"

namespace t3 {
namespace {

constexpr int kNotStarted = 127, kSignalBase = 128;

class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

std::string ReadToEnd(int descriptor) {
  constexpr size_t kMaxText = size_t{1} << 24;  // more is read and dropped
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t count = ::read(descriptor, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    if (text.size() < kMaxText) text.append(buffer, static_cast<size_t>(count));
  }
}

int ExitCodeOf(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status);
}

}  // namespace

ProgramOutput RunProgram(const std::vector<std::string>& arguments, const std::string& folder) {
  int ends[2];
  T3_CHECK(::pipe2(ends, O_CLOEXEC) == 0, "cannot run {}: {}", arguments[0], std::strerror(errno));
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  SpawnActions actions;
  posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), writer.get(), 1);
  posix_spawn_file_actions_adddup2(actions.get(), writer.get(), 2);
  if (!folder.empty()) posix_spawn_file_actions_addchdir_np(actions.get(), folder.c_str());
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 2);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], actions.get(), nullptr, argv.data(), environ);
  if (error != 0) return {kNotStarted, std::strerror(error)};
  writer = FileDescriptor(-1);  // or the end of the text would never come
  ProgramOutput output;
  output.text = ReadToEnd(reader.get());
  output.exit_code = ExitCodeOf(child);
  return output;
}

}  // namespace t3
