// Processes of this program that a command starts, and what they say and how they end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "cli/part_log.h"
#include "t3video/progress.h"

namespace t3 {

struct ChildStart {
  std::string name;  // before what it writes to stderr: "rank 2"
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  bool prints = false;  // its stdout is this process's; else nothing's
  bool events = false;  // its stderr has those of --progress json, which are passed on as text
};

// Of the first child that works.
struct ChildProgress {
  std::string name;
  ProgressEvent event;
  int64_t others = 0;  // that work as well
};

// A thread passes on what they write to stderr and waits for their ends. A terminal's signals do
// not reach them. They do not outlive the thread that made this object.
class Children {
 public:
  explicit Children(const std::vector<ChildStart>& starts);
  // Waits a little; those that have not ended are killed.
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  // What is known of one that failed; "" while none has.
  std::string Trouble();
  // Of one that a signal ended, which could not say so itself; "" while there is none.
  std::string Killed();
  // nullopt where none works, or the first has not begun a stage. Of those with events.
  std::optional<ChildProgress> Progress();
  void Signal(int signal);
  // Whether all have ended, and the largest of their exit statuses.
  bool AllEnded();
  int status();

 private:
  struct Child {
    std::string name;
    pid_t process = -1;
    FileDescriptor errors;  // its stderr, to read
    std::string line = {};  // of it, not yet complete
    std::string last = {};  // complete line
    bool ended = false;
    std::optional<PartLog> log = {};  // of one with events
  };
  static Child Start(const ChildStart& start);
  void Read();
  void ReadFrom(Child& child);
  void PassLines(Child& child);
  void KillLate();

  std::vector<Child> children_;
  std::mutex mutex_;  // of what follows, and of Child::ended and log
  std::string trouble_, killed_;
  int status_ = 0;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::thread reader_;
};

}  // namespace t3
