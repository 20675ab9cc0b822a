// Fork, a socket for messages, limits, and what became of the child.
#include "media/ffmpeg/decode_process.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <new>
#include <utility>

#include "base/check.h"
#include "media/ffmpeg/av.h"

namespace t3 {
namespace {

// Beyond what the program has at the fork. Frames of the largest size that is decoded, held by a
// decoder with many threads, take less.
constexpr rlim_t kMaxChildBytes = rlim_t{16} << 30;

// kReason: a text to which the file's name is still to be added.
enum class Status : char { kDone, kFailed, kUsage, kReason };

bool g_is_child = false;

bool SendAll(int socket, const void* data, size_t count) {
  const auto* bytes = static_cast<const char*>(data);
  while (count > 0) {
    const ssize_t sent = ::send(socket, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes += sent;
    count -= static_cast<size_t>(sent);
  }
  return true;
}

bool ReceiveAll(int socket, void* data, size_t count) {
  auto* bytes = static_cast<char*>(data);
  while (count > 0) {
    const ssize_t received = ::recv(socket, bytes, count, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return false;
    bytes += received;
    count -= static_cast<size_t>(received);
  }
  return true;
}

bool SendMessage(int socket, std::string_view message) {
  const uint64_t size = message.size();
  return SendAll(socket, &size, sizeof(size)) && SendAll(socket, message.data(), size);
}

bool ReceiveMessage(int socket, std::string& message) {
  uint64_t size = 0;
  if (!ReceiveAll(socket, &size, sizeof(size))) return false;
  message.resize(size);
  return ReceiveAll(socket, message.data(), size);
}

void Limit(int resource, rlim_t value) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_cur, value);
  ::setrlimit(resource, &limit);
}

// Sockets, pipes and above all lock files of the parent, which may close them while this lives.
void CloseAllBut(int one, int other) {
  const auto low = static_cast<unsigned>(std::min(one, other));
  const auto high = static_cast<unsigned>(std::max(one, other));
  constexpr unsigned kFirst = 3;  // after the standard streams
  if (low > kFirst) ::close_range(kFirst, low - 1, 0);
  if (high > low + 1) ::close_range(low + 1, high - 1, 0);
  ::close_range(high + 1, ~0u, 0);
}

// The parent decides what an interrupt means; everything else has its default effect.
void SetUpChild() {
  g_is_child = true;
  ::prctl(PR_SET_NAME, "t3-decode");
  for (const int signal : {SIGTERM, SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGXFSZ}) {
    ::signal(signal, SIG_DFL);
  }
  for (const int signal : {SIGINT, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  Limit(RLIMIT_CORE, 0);
  rlim_t pages = 0;
  if (std::ifstream("/proc/self/statm") >> pages) {
    Limit(RLIMIT_AS, pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + kMaxChildBytes);
  }
  RestartAvLog();
}

std::string Answer(const DecodeProcess::Serve& serve, std::string_view request,
                   SharedMemory& shared) {
  const auto reply = [](Status status, std::string_view text) {
    return static_cast<char>(status) + std::string(text);
  };
  try {
    return reply(Status::kDone, serve(request, shared));
  } catch (const Error& error) {
    return reply(error.kind() == ErrorKind::kUsage ? Status::kUsage : Status::kFailed,
                 error.what());
  } catch (const std::bad_alloc&) {
    return reply(Status::kReason, "out of memory");
  } catch (const std::exception& error) {
    return reply(Status::kReason, error.what());
  }
}

[[noreturn]] void RunChild(int socket, const DecodeProcess::Serve& serve, SharedMemory& shared) {
  CloseAllBut(socket, shared.file());
  SetUpChild();
  // The parent's end closes when the parent dies, whatever it dies of.
  for (std::string request; ReceiveMessage(socket, request);) {
    KeepAlive();
    const std::string reply = Answer(serve, request, shared);
    ::alarm(0);
    if (!SendMessage(socket, reply)) break;
  }
  ::_exit(0);
}

std::string HowItEnded(int status) {
  if (!WIFSIGNALED(status)) return "the process that decodes it ended";
  const int signal = WTERMSIG(status);
  if (signal == SIGALRM) {
    return fmt::format("its decoder made no progress for {} s", kMaxSilentSeconds);
  }
  if (signal == SIGKILL) return "the process that decodes it was killed; is memory full?";
  return fmt::format("FFmpeg's decoder crashed on it ({}); the file is probably damaged",
                     ::strsignal(signal));
}

}  // namespace

SharedMemory::SharedMemory() : file_(::memfd_create("t3-decoded", MFD_CLOEXEC)) {
  T3_CHECK(file_ >= 0, "cannot share memory with a decoding process: {}", std::strerror(errno));
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
  ::close(file_);
}

std::byte* SharedMemory::Map(size_t bytes) {
  if (bytes <= size_) return data_;
  // Both processes set the size, and neither shrinks it.
  const off_t length = ::lseek(file_, 0, SEEK_END);
  if (length < static_cast<off_t>(bytes) && ::ftruncate(file_, static_cast<off_t>(bytes)) != 0) {
    throw std::bad_alloc();
  }
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::byte*>(mapped);
  size_ = bytes;
  return data_;
}

DecodeProcess::DecodeProcess(const Serve& serve) {
  int ends[2] = {};
  T3_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0,
           "cannot start a process to decode files: {}", std::strerror(errno));
  child_ = ::fork();
  if (child_ == 0) RunChild(ends[1], serve, shared_);
  const int error = errno;
  ::close(ends[1]);
  socket_ = ends[0];
  if (child_ > 0) return;
  ::close(socket_);
  Fail("cannot start a process to decode files: {}", std::strerror(error));
}

DecodeProcess::~DecodeProcess() {
  ::close(socket_);
  if (child_ < 0) return;
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) continue;
}

std::string DecodeProcess::Call(const std::string& path, std::string_view request) {
  std::string reply;
  if (child_ < 0 || !SendMessage(socket_, request) || !ReceiveMessage(socket_, reply)) {
    FailAsEnded(path);
  }
  const auto status = static_cast<Status>(reply.at(0));
  reply.erase(0, 1);
  if (status == Status::kUsage) throw Error(reply, ErrorKind::kUsage);
  if (status == Status::kFailed) throw Error(reply);
  T3_CHECK(status == Status::kDone, "cannot read {}: {}", path, reply);
  return reply;
}

bool DecodeProcess::Alive() {
  // Nonzero when it has ended, or when somebody else has waited for it.
  if (child_ > 0 && ::waitpid(child_, nullptr, WNOHANG) != 0) child_ = -1;
  return child_ > 0;
}

void DecodeProcess::FailAsEnded(const std::string& path) {
  int status = 0;
  pid_t ended = -1;
  while (child_ > 0 && (ended = ::waitpid(child_, &status, 0)) < 0 && errno == EINTR) continue;
  child_ = -1;
  // Without a status (the program reaps all of its children itself), the signal is not known.
  Fail("cannot read {}: {}", path, HowItEnded(ended > 0 ? status : 0));
}

void KeepAlive() {
  if (g_is_child) ::alarm(kMaxSilentSeconds);
}

}  // namespace t3
