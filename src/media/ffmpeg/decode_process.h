// A child process that decodes files from elsewhere. libavcodec stops its process on some damaged
// files (an assertion, a crash, an endless loop, memory without end). In a child, that becomes an
// error which names the file, and the program goes on.
//
// The child is a fork: no helper program has to be installed and found. It calls FFmpeg, malloc and
// system calls only, never CUDA or libtorch's threads.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace t3 {

// Memory that both processes see: for frames, which are too large for messages.
class SharedMemory {
 public:
  SharedMemory();  // empty; throws Error when the system gives none
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // At least `bytes` bytes, mapped in the calling process. What was written remains; the address
  // may change when the size grows.
  std::byte* Map(size_t bytes);
  int file() const { return file_; }

 private:
  int file_ = -1;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// The time that decoding may take without reading anything: see KeepAlive.
inline constexpr unsigned kMaxSilentSeconds = 120;

class DecodeProcess {
 public:
  // Answers one request, in the child. Objects that it captures live in the child as well.
  using Serve = std::function<std::string(std::string_view request, SharedMemory& shared)>;

  // Starts the child. Throws Error.
  explicit DecodeProcess(const Serve& serve);
  ~DecodeProcess();  // ends the child
  DecodeProcess(const DecodeProcess&) = delete;
  DecodeProcess& operator=(const DecodeProcess&) = delete;

  // Sends a request about the file `path` and waits for the reply. Throws the Error that `serve`
  // threw, or one that says how the child ended.
  std::string Call(const std::string& path, std::string_view request);
  SharedMemory& shared() { return shared_; }
  // False once the child has ended: every further call fails.
  bool Alive();

 private:
  [[noreturn]] void FailAsEnded(const std::string& path);

  SharedMemory shared_;
  int socket_ = -1;
  pid_t child_ = -1;
};

// In a child of DecodeProcess, restarts the clock that ends it after kMaxSilentSeconds; elsewhere
// does nothing. Called whenever FFmpeg reads, so that slow disks are not taken for endless loops.
void KeepAlive();

}  // namespace t3
