// fork and exec.
#include "base/spawn.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/check.h"

extern char** environ;

namespace t3 {
namespace {

// Pointers as exec wants them.
std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// In the child: only what is allowed between fork and exec of a process with threads.
[[noreturn]] void Become(const SpawnRequest& request, pid_t parent, char* const* argv,
                         char* const* env) {
  if (request.own_group) ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  for (int target = 0; target < 3; ++target)
    ::dup2(request.streams[static_cast<size_t>(target)], target);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(request.program.c_str(), argv, env);
  ::_exit(127);
}

}  // namespace

pid_t Spawn(const SpawnRequest& request) {
  const std::vector<char*> argv = Pointers(request.arguments), env = Pointers(request.environment);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) Become(request, parent, argv.data(), env.data());
  T3_CHECK(child > 0, "{} cannot be started: {}", request.program, std::strerror(errno));
  return child;
}

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

}  // namespace t3
