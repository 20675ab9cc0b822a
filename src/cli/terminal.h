// What a run tells on stderr while it works.
#pragma once

#include <chrono>
#include <set>
#include <string>

#include "t3video/progress.h"
#include "t3video/request.h"

namespace t3 {

enum class ProgressStyle {
  kLive,   // one line a stage that is drawn over
  kPlain,  // a line at a stage's begin and end, and every ten seconds between
  kJson,   // one JSON object a line, for everything
  kNone,   // notes, results and errors only
};

// "auto", "live", "plain", "json", "none" -> style; auto is live on a terminal, else plain. Throws
// Error of kind kUsage.
ProgressStyle ParseProgressStyle(const std::string& name);

class Terminal {
 public:
  explicit Terminal(ProgressStyle style = ParseProgressStyle("auto"));
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  ProgressFn Progress();
  // Ends the live line, so that other output starts on a line of its own.
  void EndLine();
  // A remark of one line, in the library's words; printed once.
  void Note(const std::string& text);
  // Several lines at once for people; in kJson `json`, one object, instead.
  void Announce(const std::string& text, const std::string& json);
  // A finished video: times and memory of its stages, and notes.
  void Finished(const Result& result);
  // `label`: which of several requests, or "".
  void Failed(const std::string& label, const std::string& message);

 private:
  void Show(const ProgressEvent& event);
  void ShowLine(const ProgressEvent& event);

  ProgressStyle style_;
  bool open_ = false;  // a live line is on the screen
  std::string stage_;
  std::set<std::string> noted_;  // a note is printed once
  std::chrono::steady_clock::time_point last_{};
};

// An error that ends the program, in the style of the Terminal that was made last.
void PrintFatal(const std::string& message);

// 75 -> "1:15", 4000 -> "1:06:40".
std::string FormatSeconds(double seconds);

}  // namespace t3
