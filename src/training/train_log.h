// The log of a run: one JSON object a line and step.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace t3 {

struct LogEntry {
  int64_t step = 0;          // steps taken, this one included
  double loss = 0;           // mean over the step's batch
  double gradient_norm = 0;  // before clipping
  double lr = 0;
  double samples_per_second = 0;
  int64_t memory = 0;  // peak bytes: of the device's allocator, on the CPU of the process
  double seconds_left = 0;
};

class TrainLog {
 public:
  // Opens OUTPUT/log.jsonl to go on after `step` steps: lines of later ones, which a checkpoint
  // does not know, are dropped, as is a last line that an interruption cut.
  TrainLog(const std::string& output, int64_t step);

  // Appends a line and flushes it. Throws Error when it cannot be written.
  void Add(const LogEntry& entry);
  const std::vector<LogEntry>& entries() const { return entries_; }

 private:
  std::string path_;
  std::ofstream file_;
  std::vector<LogEntry> entries_;
};

}  // namespace t3
