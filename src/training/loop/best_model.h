// The model of a run that its gates choose: OUTPUT/best/.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "training/loop/task.h"

namespace t3 {

// How near a model in training is to what it should be.
struct GateResult {
  StepValues values;  // by their names in the log
  double score = 0;   // 0 is perfect; the lowest is kept
};

class BestModel {
 public:
  // Reads the score of the model in OUTPUT/best, where there is one of `step` or an earlier step: a
  // later one is from before the run was resumed, and comes again.
  BestModel(const std::string& output, int64_t step);

  // Whether `output` has one.
  static bool IsIn(const std::string& output);

  // Calls `save` with the folder and records the score if it is the lowest. Scores that are not
  // finite never are.
  void Offer(int64_t step, const GateResult& result,
             const std::function<void(const std::string& folder)>& save);

  // "best/ has the model of step 120 (score 0.31)", or "" where there is none.
  std::string Text() const;

 private:
  std::string folder_;
  int64_t step_ = -1;
  double score_ = std::numeric_limits<double>::infinity();
};

}  // namespace t3
