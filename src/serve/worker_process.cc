// Pipes to and from a child.
#include "serve/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/check.h"
#include "base/spawn.h"
#include "base/write_all.h"

namespace t3::serve {
namespace {

// A worker that writes more without a line break is broken.
constexpr size_t kMaxLine = 64 << 20;

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Pipe NewPipe() {
  std::array<int, 2> ends{};
  T3_CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0, "a pipe cannot be made: {}", std::strerror(errno));
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

WorkerProcess::WorkerProcess(const std::string& program,
                             const std::vector<std::string>& arguments) {
  Pipe in = NewPipe(), out = NewPipe(), err = NewPipe();
  std::vector<std::string> words{"t3"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  id_ = Spawn({.program = program,
               .arguments = words,
               .environment = OwnEnvironment(),
               .streams = {in.read.get(), out.write.get(), err.write.get()}});
  input_ = std::move(in.write);
  outputs_[0].file = std::move(out.read);
  outputs_[1].file = std::move(err.read);
}

WorkerProcess::~WorkerProcess() {
  if (id_ > 0) Wait(0);
}

bool WorkerProcess::Send(std::string_view line) {
  const std::lock_guard lock(send_);
  return WriteAll(input_.get(), std::string(line) + "\n");
}

void WorkerProcess::CloseInput() {
  const std::lock_guard lock(send_);
  input_ = FileDescriptor();
}

std::optional<WorkerProcess::Line> WorkerProcess::TakeLine(bool at_end) {
  for (Output& output : outputs_) {
    const size_t end = output.rest.find('\n');
    if (end == std::string::npos && !(at_end && !output.rest.empty())) continue;
    Line line{&output == &outputs_[1], output.rest.substr(0, end)};
    output.rest.erase(0, end == std::string::npos ? end : end + 1);
    return line;
  }
  return std::nullopt;
}

// False when both streams are closed.
bool WorkerProcess::ReadSome() {
  std::array<pollfd, 2> polls{};
  bool open = false;
  for (size_t i = 0; i < polls.size(); ++i) {
    polls[i] = {outputs_[i].file.get(), POLLIN, 0};
    open |= polls[i].fd >= 0;
  }
  if (!open) return false;
  if (::poll(polls.data(), polls.size(), -1) < 0) return true;
  for (size_t i = 0; i < polls.size(); ++i) {
    if (polls[i].revents == 0) continue;
    std::array<char, 65536> buffer;
    const ssize_t count = ::read(polls[i].fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || outputs_[i].rest.size() > kMaxLine) outputs_[i].file = FileDescriptor();
    if (count > 0) outputs_[i].rest.append(buffer.data(), static_cast<size_t>(count));
  }
  return true;
}

std::optional<WorkerProcess::Line> WorkerProcess::ReadLine() {
  for (;;) {
    if (std::optional<Line> line = TakeLine(false)) return line;
    if (!ReadSome()) return TakeLine(true);
  }
}

void WorkerProcess::Kill() const {
  if (id_ > 0) ::kill(id_, SIGKILL);
}

std::string WorkerProcess::Wait(double seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  int status = 0;
  while (::waitpid(id_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() >= deadline) {
      Kill();
      ::waitpid(id_, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  id_ = -1;
  return WIFEXITED(status) ? fmt::format("exited with code {}", WEXITSTATUS(status))
                           : fmt::format("was killed by signal {}", WTERMSIG(status));
}

}  // namespace t3::serve
