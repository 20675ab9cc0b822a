// Reading from children and noticing their ends.
#include "cli/children.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/spawn.h"
#include "cli/streams.h"

namespace t3 {
namespace {

constexpr std::chrono::seconds kGraceAfterFailure{3};  // of one of the others
constexpr std::chrono::seconds kGrace{15};             // to end by themselves

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                       ::strsignal(WTERMSIG(status)));
  }
  return WEXITSTATUS(status) == 0 ? "" : fmt::format("ended with code {}", WEXITSTATUS(status));
}

// Clears the line that shows progress on a terminal; it is drawn again.
std::string OverLiveLine() { return ::isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : ""; }

}  // namespace

Children::Children(const std::vector<ChildStart>& starts) {
  for (const ChildStart& start : starts) children_.push_back(Start(start));
  reader_ = std::thread([this] { Read(); });
}

Children::~Children() {
  {
    const std::lock_guard lock(mutex_);
    deadline_ = std::chrono::steady_clock::now() + (trouble_.empty() ? kGrace : kGraceAfterFailure);
  }
  reader_.join();
}

Children::Child Children::Start(const ChildStart& start) {
  int ends[2];
  T3_CHECK(::pipe2(ends, O_CLOEXEC) == 0, "{} cannot be started: {}", start.name,
           std::strerror(errno));
  FileDescriptor read(ends[0]);
  const FileDescriptor write(ends[1]);
  const FileDescriptor nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Child child;
  child.name = start.name;
  child.process =
      Spawn({.program = "/proc/self/exe",
             .arguments = start.arguments,
             .environment = start.environment,
             .streams = {nowhere.get(), start.prints ? STDOUT_FILENO : nowhere.get(), write.get()},
             .own_group = true});
  child.errors = std::move(read);
  if (start.events) child.log.emplace();
  return child;
}

std::string Children::Trouble() {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::string Children::Killed() {
  const std::lock_guard lock(mutex_);
  return killed_;
}

void Children::Signal(int signal) {
  const std::lock_guard lock(mutex_);
  for (const Child& child : children_) {
    if (!child.ended) ::kill(child.process, signal);
  }
}

bool Children::AllEnded() {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(children_, [](const Child& child) { return child.ended; });
}

int Children::status() {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Children::Read() {
  while (!AllEnded()) {
    std::vector<pollfd> polled;
    for (const Child& child : children_) {
      polled.push_back({child.errors.get(), POLLIN, 0});
    }
    ::poll(polled.data(), polled.size(), 100);
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) ReadFrom(children_[i]);
    }
    KillLate();
  }
}

void Children::ReadFrom(Child& child) {
  std::array<char, 4096> buffer;
  const ssize_t count = ::read(child.errors.get(), buffer.data(), buffer.size());
  if (count < 0 && errno == EINTR) return;
  if (count > 0) {
    child.line.append(buffer.data(), static_cast<size_t>(count));
    PassLines(child);
    return;
  }
  if (!child.line.empty()) child.line += '\n';
  PassLines(child);
  child.errors = FileDescriptor();
  int status = 0;
  while (::waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string how = HowItEnded(status);
  const std::lock_guard lock(mutex_);
  child.ended = true;
  status_ = std::max(status_, WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  if (WIFSIGNALED(status) && killed_.empty()) killed_ = fmt::format("{} {}", child.name, how);
  if (!how.empty() && trouble_.empty() && !deadline_)
    trouble_ = fmt::format("{} {}{}", child.name, how, child.last.empty() ? "" : ": " + child.last);
}

void Children::PassLines(Child& child) {
  for (size_t end = child.line.find('\n'); end != std::string::npos; end = child.line.find('\n')) {
    std::vector<std::string> lines{child.line.substr(0, end)};
    child.line.erase(0, end + 1);
    if (child.log) {
      const std::lock_guard lock(mutex_);
      lines = child.log->Read(lines.front());
    }
    for (const std::string& line : lines) {
      child.last = line;
      WriteLog(fmt::format("{}{}: {}\n", OverLiveLine(), child.name, line));
    }
  }
}

std::optional<ChildProgress> Children::Progress() {
  const std::lock_guard lock(mutex_);
  std::optional<ChildProgress> first;
  for (const Child& child : children_) {
    if (child.ended) continue;
    if (first) {
      ++first->others;
    } else if (child.log && child.log->progress()) {
      first = {child.name, *child.log->progress()};
    } else {
      return std::nullopt;
    }
  }
  return first;
}

void Children::KillLate() {
  const std::lock_guard lock(mutex_);
  if (!deadline_ || std::chrono::steady_clock::now() < *deadline_) return;
  for (const Child& child : children_) {
    if (!child.ended) ::kill(child.process, SIGKILL);
  }
}

}  // namespace t3
