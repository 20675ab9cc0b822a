// The time that one call of a run may take, with all that it still has to do at the end.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace t3 {

// Remembers how long each kind of work took at most, in OUTPUT/timing.json for later calls as well,
// so that a call ends before its limit and not after it.
class TimeLimit {
 public:
  using Clock = std::chrono::steady_clock;

  // `seconds` from `started`; 0: no limit.
  TimeLimit(const std::string& output, Clock::time_point started, double seconds);

  // Runs `work` and remembers its time as that of `kind`.
  template <typename Work>
  auto Measure(const std::string& kind, const Work& work) {
    const Recorder recorder{*this, kind, Clock::now()};
    return work();
  }
  // Whether another round of these kinds, each as long as the longest so far, would pass the limit.
  bool Passes(const std::vector<std::string>& kinds) const;
  // Writes the times. A failure does not matter.
  void Save() const;

 private:
  struct Recorder {
    TimeLimit& limit;
    std::string kind;
    Clock::time_point begin;
    ~Recorder() { limit.Record(kind, begin); }
  };
  void Record(const std::string& kind, Clock::time_point begin);

  std::string path_;
  Clock::time_point started_;
  double seconds_;
  std::map<std::string, double> longest_;
};

}  // namespace t3
