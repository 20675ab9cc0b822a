// The log of a run, OUTPUT/log.jsonl: one JSON object a step and line.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "training/loop/task.h"

namespace t3 {

struct LogEntry {
  int64_t step = 0;          // steps done, this one included
  double loss = 0;           // mean over the step's batch
  double gradient_norm = 0;  // before clipping
  double lr = 0;
  double samples_per_second = 0;
  int64_t memory = 0;  // peak bytes: of the device's allocator; on the CPU of the process
  double seconds_left = 0;
  std::optional<double> validation_loss{};
  StepValues values{};  // of the task and its gates; each a field of the line
};

class TrainLog {
 public:
  // Opens OUTPUT/log.jsonl to append after `step` steps. Lines of later steps, which the checkpoint
  // does not know, and a last line that is cut short are dropped; the file is replaced atomically.
  // Throws Error when it cannot be written.
  TrainLog(const std::string& output, int64_t step);

  // Appends a line and flushes it. A line that cannot be written is a warning, the first time, and
  // comes with a later one once the disk takes it: a log is not worth a run.
  void Add(const LogEntry& entry);
  const std::vector<LogEntry>& entries() const { return entries_; }

 private:
  std::string Text() const;
  void OpenToAppend();

  std::string path_;
  std::ofstream file_;
  std::vector<LogEntry> entries_;
  bool warned_ = false;
};

}  // namespace t3
