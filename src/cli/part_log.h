// What a part of a job reports, read from the events of its --progress json.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "t3video/progress.h"

namespace t3 {

class PartLog {
 public:
  // A line that the part wrote to stderr, as the lines that a person reads: none of progress and
  // plans. What is not an event stays as it is.
  std::vector<std::string> Read(const std::string& line);
  // The latest of its progress events.
  const std::optional<ProgressEvent>& progress() const { return progress_; }

 private:
  // `before`: the name of a rank of the part, which wrote the event.
  std::vector<std::string> LinesOf(const nlohmann::ordered_json& event, const std::string& before);
  void Note(const std::string& text, std::vector<std::string>& lines);

  std::optional<ProgressEvent> progress_;
  std::set<std::string> noted_;
};

}  // namespace t3
