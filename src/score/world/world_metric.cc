// What the detector of the synthetic world reads in clips whose prompts are its captions.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <vector>

#include "base/check.h"
#include "measure/world_detector.h"
#include "score/metric.h"
#include "score/per_frame.h"
#include "world/world.h"

namespace t3 {
namespace {

class WorldOfClip : public ClipMetric {
 public:
  explicit WorldOfClip(const WorldValues& wanted) : wanted_(wanted) {}

  // Frames are kept at the size at which the detector reads them, 442 KB each.
  void Add(const ScoreFrame& frame) override {
    const at::NoGradGuard no_grad;
    const at::Tensor picture =
        at::from_blob(const_cast<float*>(frame.rgb), {3, frame.height, frame.width}, at::kFloat);
    const bool same = frame.height == kReadHeight && frame.width == kReadWidth;
    frames_.push_back(same ? picture.clone()
                           : at::adaptive_avg_pool2d(picture, {kReadHeight, kReadWidth}));
  }

  MetricValues Finish() override {
    const at::NoGradGuard no_grad;
    const WorldReading reading = ReadWorld(at::stack(frames_, 1));
    double right = 0, satisfied = 0;
    for (size_t i = 0; i < wanted_.size(); ++i) right += wanted_[i] == reading.values[i] ? 1 : 0;
    const bool at_sea = wanted_[0] == static_cast<int>(WorldLand::kSea);
    const auto constraints = reading.Constraints(at_sea);
    for (const auto& constraint : constraints) satisfied += constraint.second ? 1 : 0;
    return {{"world_attributes", right / kWorldAttributes},
            {"world_constraints", satisfied / static_cast<double>(constraints.size())}};
  }

 private:
  WorldValues wanted_;
  std::vector<at::Tensor> frames_;  // (3, kReadHeight, kReadWidth) fp32
};

class World : public Metric {
 public:
  std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) override {
    const std::optional<WorldValues> wanted = ReadCaption(clip.prompt);
    if (!wanted) FailUsage("the prompt is not a caption of the synthetic world");
    CheckClipSize("world", clip, 16, 2);
    return std::make_unique<WorldOfClip>(*wanted);
  }
};

constexpr MetricNeeds kPrompt{.prompt = true};
constexpr ScoreMetric kWorld[] = {
    {"world_attributes", "world", "", Better::kMore, "t3 eval", kPrompt},
    {"world_constraints", "world", "", Better::kMore, "t3 eval", kPrompt}};
constexpr MetricGroup kGroups[] = {{"world", 1, kWorld, [](const MetricSetup&) {
                                      return std::unique_ptr<Metric>(std::make_unique<World>());
                                    }}};

}  // namespace

std::span<const MetricGroup> WorldMetricGroups() { return kGroups; }

}  // namespace t3
