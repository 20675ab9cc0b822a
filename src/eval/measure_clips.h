// Clips of an evaluation, generated, read and compared with their true renders.
#pragma once

#include <memory>
#include <vector>

#include "eval/clip_generator.h"
#include "eval/clip_score.h"
#include "eval/contact_sheet.h"
#include "eval/eval_plan.h"
#include "eval/resident_networks.h"
#include "eval/time_breakdown.h"

namespace t3 {

class ClipMeasurer {
 public:
  ClipMeasurer(const EvalPlan& plan, const RunContext& context);

  // Scenes, captions and networks. Call first.
  void Load();
  // Clips [first, first + count) of the request; count is at most plan.batch.
  std::vector<ClipScore> Measure(int64_t first, int64_t count);
  // Flow-matching loss of clip `i`.
  double Loss(int64_t i);
  // The score of a clip of which only the loss is measured.
  ClipScore Unmeasured(int64_t i) const;

  // Seconds of one evaluation of the denoiser, one guidance branch of one clip; absent for clips
  // that no model generates.
  const std::optional<double>& forward_seconds() const { return forward_seconds_; }
  // Seconds by part of the work; "loading" is that of networks after Load().
  const TimeBreakdown& times() const { return times_; }
  const ContactSheet& sheet() const { return sheet_; }

 private:
  EvalItem ItemOf(int64_t i) const;
  void EncodeCaptions();
  at::Tensor Truth(const EvalItem& item);
  // Seconds of `work`, added to `part`, without those of loading networks.
  template <typename Work>
  double TimeWork(const std::string& part, Work work);
  std::vector<ClipScore> Score(const std::vector<EvalItem>& items,
                               const std::vector<at::Tensor>& videos,
                               const std::vector<at::Tensor>& truths) const;

  const EvalPlan& plan_;
  const RunContext& context_;
  std::vector<EvalItem> items_;
  ResidentNetworks networks_;
  std::unique_ptr<ClipGenerator> generator_, draft_generator_, small_generator_;
  std::optional<double> forward_seconds_;
  TimeBreakdown times_;
  ContactSheet sheet_;
};

}  // namespace t3
