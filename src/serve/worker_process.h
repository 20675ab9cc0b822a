// A child process that is talked to in lines.
#pragma once

#include <sys/types.h>

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"

namespace t3::serve {

// Starts the process; it is killed with this object, and by the kernel when this process dies, so
// that no worker outlives its server. The thread that constructs it must live as long as it.
class WorkerProcess {
 public:
  // `arguments` follow the program's name. Throws Error when the process cannot be started.
  WorkerProcess(const std::string& program, const std::vector<std::string>& arguments);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // One line to its stdin, from any thread; false when it no longer reads.
  bool Send(std::string_view line);
  // Closes its stdin, which asks it to stop.
  void CloseInput();

  struct Line {
    bool is_error = false;  // from its stderr
    std::string text;
  };
  // The next line of its stdout or stderr; none when both are closed. For one thread.
  std::optional<Line> ReadLine();

  // Waits up to `seconds`, then kills it. Returns "exited with code 1" or "was killed by signal 9".
  std::string Wait(double seconds);
  void Kill() const;
  pid_t id() const { return id_; }

 private:
  struct Output {
    FileDescriptor file;
    std::string rest;  // what followed the last line
  };
  std::optional<Line> TakeLine(bool at_end);
  bool ReadSome();

  pid_t id_ = -1;
  std::mutex send_;
  FileDescriptor input_;
  std::array<Output, 2> outputs_;  // stdout, stderr
};

}  // namespace t3::serve
