// One clip through the metrics.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "score/run/clip_frames.h"
#include "score/run/clip_set.h"
#include "score/run/groups.h"
#include "score/run/score_state.h"
#include "t3video/score.h"

namespace t3 {

class ClipScorer {
 public:
  // `at_frame` is called before each frame with the number of those before it and in all; what it
  // throws ends the clip.
  ClipScorer(std::vector<OpenedGroup>& groups, ScoreState& state,
             std::function<void(int64_t done, int64_t total)> at_frame)
      : groups_(groups), state_(state), at_frame_(std::move(at_frame)) {}

  // Everything but an interruption is in the result: what fails is named there.
  ClipScores Score(const SetClip& clip);

 private:
  struct Running;  // a group that takes the clip's frames

  void Reuse(const SetClip& clip, ClipScores& scores, std::vector<Running>& running);
  void Decode(const SetClip& clip, ClipScores& scores, std::vector<Running>& running);
  void StartAll(const SetClip& clip, ClipScores& scores, std::vector<Running>& running);
  std::optional<ClipFrames> OpenReference(const SetClip& clip, const SourceInfo& info,
                                          std::vector<Running>& running);
  // Gives the exception that is being handled to every metric that needs the reference.
  static void FailReference(std::vector<Running>& running);
  static void AddFrame(const ScoreFrame& frame, std::vector<Running>& running);
  void FinishAll(ClipScores& scores, std::vector<Running>& running);

  std::vector<OpenedGroup>& groups_;
  ScoreState& state_;
  std::function<void(int64_t, int64_t)> at_frame_;
};

}  // namespace t3
