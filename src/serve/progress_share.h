// How much of a job is done: its stages weighed by the time that they are expected to take.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace t3::serve {

struct StageShare {
  std::string stage;
  double weight = 0;  // seconds, or in proportion to them
};

class ProgressShare {
 public:
  // In the order in which they run.
  explicit ProgressShare(std::vector<StageShare> stages) : stages_(std::move(stages)) {}

  // `done` of `total` units of a stage; a stage that is not listed changes nothing.
  void Update(const std::string& stage, double done, double total);
  // 0 to 1; never falls.
  double share() const { return share_; }
  // Seconds until the job is done, where the stage took `seconds` for what it did and needs
  // `seconds_left` more (negative: unknown).
  std::optional<double> SecondsLeft(double seconds, double seconds_left) const;

 private:
  double WeightFrom(size_t first) const;

  std::vector<StageShare> stages_;
  size_t current_ = 0;  // index of the stage that was reported last
  double share_ = 0;
};

}  // namespace t3::serve
