// What a run reports on stderr while it works. None of it can fail (cli/streams.h).
#pragma once

#include <chrono>
#include <set>
#include <string>

#include "t3video/progress.h"
#include "t3video/request.h"

namespace t3 {

enum class ProgressStyle {
  kLive,   // one line for each stage, redrawn, cut to the width of the terminal
  kPlain,  // a line when a stage begins and ends, and every ten seconds between
  kJson,   // everything as one JSON object per line
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
  // Ends the live line, so that other output starts on a new line.
  void EndLine();
  // A remark of one line, in the library's words; printed once.
  void Note(const std::string& text);
  // Several lines at once for people; in kJson one object, `json`, instead.
  void Announce(const std::string& text, const std::string& json);
  // A finished video: its notes, and the time and memory of each stage.
  void Finished(const Result& result);
  // `label` names one of several requests; "" where there is only one.
  void Failed(const std::string& label, const std::string& message);

 private:
  void Show(const ProgressEvent& event);
  void ShowLine(const ProgressEvent& event);

  ProgressStyle style_;
  size_t live_columns_ = 0;  // of the terminal when the live line on it was drawn; 0: there is none
  std::string stage_;
  std::set<std::string> noted_;  // a note is printed once
  std::chrono::steady_clock::time_point last_{};
};

// An error that ends the program, in the style of the latest Terminal.
void PrintFatal(const std::string& message);

// Lines for people: "t3: warning: ...", "t3: error: prompts.txt:3: ...", "  denoising: 1:15; ...".
std::string LogText(const std::string& level, const std::string& text);
std::string ErrorText(const std::string& label, const std::string& message);
std::string StageText(const Result::Stage& stage);

// 75 -> "1:15", 4000 -> "1:06:40".
std::string FormatSeconds(double seconds);

}  // namespace t3
