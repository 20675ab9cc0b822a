// Progress on stderr.
#pragma once

#include <chrono>
#include <string>

#include "t3video/progress.h"

namespace t3 {

// On a terminal one live line a stage; elsewhere a plain line at a stage's begin and end and at
// most every ten seconds between.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  ProgressFn Progress();
  // Ends the live line, so that other output starts on a line of its own.
  void EndLine();

 private:
  void Show(const ProgressEvent& event);

  bool live_;
  bool open_ = false;  // a live line is on the screen
  std::string stage_;
  std::chrono::steady_clock::time_point last_{};
};

// 75 -> "1:15", 4000 -> "1:06:40".
std::string FormatSeconds(double seconds);

}  // namespace t3
