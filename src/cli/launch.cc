// Starting ranks, passing on what they say, noticing how they end.
#include "cli/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/free_port.h"
#include "base/log.h"
#include "cli/streams.h"

extern char** environ;

namespace t3 {
namespace {

std::vector<std::string> arguments;

constexpr int64_t kMaxGpus = 64;                       // of one machine
constexpr std::chrono::seconds kGraceAfterFailure{3};  // of one of the others
constexpr std::chrono::seconds kGrace{15};             // for the others to end after rank 0 has

// Pointers as exec wants them.
std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// This process's environment with what a launcher would set.
std::vector<std::string> EnvironmentOf(const RankPlace& place) {
  const std::array<std::pair<std::string, std::string>, 7> ours{
      {{"RANK", std::to_string(place.rank)},
       {"WORLD_SIZE", std::to_string(place.size)},
       {"LOCAL_RANK", std::to_string(place.local_rank)},
       {"LOCAL_WORLD_SIZE", std::to_string(place.local_size)},
       {"MASTER_ADDR", place.address},
       {"MASTER_PORT", std::to_string(place.port)},
       {"TORCHELASTIC_USE_AGENT_STORE", ""}}};
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    bool set = false;
    for (const auto& [key, value] : ours) set = set || key == name;
    if (!set) environment.push_back(text);
  }
  for (const auto& [key, value] : ours) environment.push_back(key + "=" + value);
  return environment;
}

struct Child {
  int64_t rank = 0;
  pid_t process = -1;
  int errors = -1;        // its stderr, to read
  std::string line = {};  // of it, not yet complete
  std::string last = {};  // complete line
  bool ended = false;
};

// Ends with the process that started it; a terminal's signals go to that one alone.
[[noreturn]] void BecomeRank(int errors, pid_t starter, char* const* argv, char* const* env) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != starter) ::_exit(1);
  const int nowhere = ::open("/dev/null", O_RDWR);
  ::dup2(nowhere, STDIN_FILENO);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  ::execve("/proc/self/exe", argv, env);
  ::_exit(127);
}

Child StartRank(const RankPlace& place) {
  std::vector<std::string> environment = EnvironmentOf(place), words = arguments;
  const std::vector<char*> argv = Pointers(words), env = Pointers(environment);
  int ends[2];
  T3_CHECK(::pipe2(ends, O_CLOEXEC) == 0, "rank {} cannot be started: {}", place.rank,
           std::strerror(errno));
  const pid_t starter = ::getpid();
  const pid_t process = ::fork();
  if (process == 0) BecomeRank(ends[1], starter, argv.data(), env.data());
  const int error = errno;
  ::close(ends[1]);
  if (process < 0) {
    ::close(ends[0]);
    Fail("rank {} cannot be started: {}", place.rank, std::strerror(error));
  }
  return {.rank = place.rank, .process = process, .errors = ends[0]};
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                       ::strsignal(WTERMSIG(status)));
  }
  return WEXITSTATUS(status) == 0 ? "" : fmt::format("ended with code {}", WEXITSTATUS(status));
}

}  // namespace

void KeepArguments(int argc, char** argv) { arguments.assign(argv, argv + argc); }

int64_t CheckedGpus(const std::optional<int64_t>& gpus) {
  const int64_t count = gpus.value_or(1);
  if (count < 1 || count > kMaxGpus)
    FailUsage("`gpus` {} is not a number of GPUs; wanted 1 to {}", count, kMaxGpus);
  return count;
}

// A thread reads what the ranks write and waits for their ends.
class Ranks::Children {
 public:
  explicit Children(const RankPlace& first) {
    for (int64_t rank = 1; rank < first.size; ++rank) {
      RankPlace place = first;
      place.rank = place.local_rank = rank;
      children_.push_back(StartRank(place));
    }
    reader_ = std::thread([this] { Read(); });
  }

  // Those that do not end by themselves are killed.
  ~Children() {
    {
      const std::lock_guard lock(mutex_);
      deadline_ =
          std::chrono::steady_clock::now() + (trouble_.empty() ? kGrace : kGraceAfterFailure);
    }
    reader_.join();
  }

  // What is known of one that failed; "" while none has.
  std::string Trouble() {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

 private:
  void Read() {
    while (!AllEnded()) {
      std::vector<pollfd> polled;
      for (const Child& child : children_) {
        polled.push_back({child.ended ? -1 : child.errors, POLLIN, 0});
      }
      ::poll(polled.data(), polled.size(), 100);
      for (size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].revents != 0) ReadFrom(children_[i]);
      }
      KillLate();
    }
  }

  bool AllEnded() const {
    bool all = true;
    for (const Child& child : children_) all = all && child.ended;
    return all;
  }

  void ReadFrom(Child& child) {
    std::array<char, 4096> buffer;
    const ssize_t count = ::read(child.errors, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return;
    if (count > 0) {
      child.line.append(buffer.data(), static_cast<size_t>(count));
      PassLines(child);
      return;
    }
    if (!child.line.empty()) child.line += '\n';
    PassLines(child);
    ::close(child.errors);
    int status = 0;
    while (::waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
    }
    child.ended = true;
    const std::string how = HowItEnded(status);
    const std::lock_guard lock(mutex_);
    if (!how.empty() && trouble_.empty() && !deadline_)
      trouble_ =
          fmt::format("rank {} {}{}", child.rank, how, child.last.empty() ? "" : ": " + child.last);
  }

  static void PassLines(Child& child) {
    for (size_t end = child.line.find('\n'); end != std::string::npos;
         end = child.line.find('\n')) {
      child.last = child.line.substr(0, end);
      WriteLog(fmt::format("rank {}: {}\n", child.rank, child.last));
      child.line.erase(0, end + 1);
    }
  }

  void KillLate() {
    const std::lock_guard lock(mutex_);
    if (!deadline_ || std::chrono::steady_clock::now() < *deadline_) return;
    for (const Child& child : children_) {
      if (!child.ended) ::kill(child.process, SIGKILL);
    }
  }

  std::vector<Child> children_;
  std::mutex mutex_;
  std::string trouble_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::thread reader_;
};

Ranks::Ranks(RunOptions& options) {
  const int64_t gpus = CheckedGpus(options.gpus);
  options.ranks = FindRankPlace();
  RankPlace& place = options.ranks;
  if (place.size > 1) {
    if (options.gpus && gpus != place.size)
      FailUsage("`gpus` {}, but the environment is that of {} ranks; leave `gpus` out", gpus,
                place.size);
    if (place.rank > 0) spdlog::set_level(spdlog::level::err);  // rank 0 says the same
    return;
  }
  if (gpus == 1) return;
  place.size = place.local_size = gpus;
  place.address = "127.0.0.1";
  place.port = FreePort();
  children_ = std::make_unique<Children>(place);
  place.watch = [children = children_.get()] { return children->Trouble(); };
}

Ranks::~Ranks() = default;

}  // namespace t3
