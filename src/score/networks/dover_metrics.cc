// dover, its two parts, and its mean over patches of large frames.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <vector>

#include "arch/dover.h"
#include "models/dover/dover.h"
#include "score/networks/dover_patches.h"
#include "score/networks/frame_picture.h"
#include "score/networks/loaded_network.h"
#include "score/networks/network_device.h"
#include "score/networks/network_metrics.h"
#include "score/per_frame.h"

namespace t3 {
namespace {

class DoverOfClip : public ClipMetric {
 public:
  DoverOfClip(const ClipInfo& clip, const Dover& dover)
      : dover_(dover),
        patches_(PatchesOf(clip.height, clip.width)),
        whole_(clip.frames, clip.height, clip.width) {
    for (const DoverPatch& patch : patches_) {
      parts_.emplace_back(clip.frames, patch.height, patch.width);
    }
  }

  void Add(const ScoreFrame& frame) override {
    if (!whole_.Wants(frame.index)) return;  // the patches want the same frames
    const at::Tensor codes = TensorOf(PictureOf(frame));
    whole_.Add(frame.index, codes);
    for (size_t i = 0; i < patches_.size(); ++i) {
      const DoverPatch& patch = patches_[i];
      parts_[i].Add(frame.index,
                    codes.narrow(1, patch.top, patch.height).narrow(2, patch.left, patch.width));
    }
  }

  MetricValues Finish() override {
    const at::NoGradGuard no_grad;
    const DoverScores whole = dover_.Score(whole_);
    MetricValues values{{"dover", whole.fused},
                        {"dover_technical", whole.technical},
                        {"dover_aesthetic", whole.aesthetic}};
    if (parts_.empty()) return values;
    double sum = 0;
    for (const DoverViews& part : parts_) sum += dover_.Score(part).fused;
    values.emplace_back("dover_patches", sum / static_cast<double>(parts_.size()));
    return values;
  }

 private:
  const Dover& dover_;
  std::vector<DoverPatch> patches_;
  DoverViews whole_;
  std::vector<DoverViews> parts_;
};

class DoverMetric : public Metric {
 public:
  explicit DoverMetric(const LoadedNetwork<DoverConfig>& loaded)
      : dover_(loaded.config, loaded.tensors) {}

  std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) override {
    CheckClipSize("dover", clip, kDoverFragment);
    return std::make_unique<DoverOfClip>(clip, dover_);
  }

 private:
  Dover dover_;
};

}  // namespace

std::unique_ptr<Metric> OpenDover(const MetricSetup& setup) {
  return std::make_unique<DoverMetric>(LoadNetwork(setup.weights, DoverNaming(), ReadDoverConfig,
                                                   DoverTensors, NetworkDevice(setup.options)));
}

}  // namespace t3
