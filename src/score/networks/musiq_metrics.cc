// musiq: the mean opinion score of single frames, averaged.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "arch/musiq.h"
#include "models/musiq/musiq.h"
#include "score/networks/frame_picture.h"
#include "score/networks/loaded_network.h"
#include "score/networks/network_device.h"
#include "score/networks/network_metrics.h"

namespace t3 {
namespace {

class MusiqOfClip : public ClipMetric {
 public:
  MusiqOfClip(const ClipInfo& clip, const Musiq& musiq) : frames_(clip.frames), musiq_(musiq) {}

  void Add(const ScoreFrame& frame) override {
    if (!IsScoredFrame(frame.index, frames_)) return;
    const at::NoGradGuard no_grad;
    constexpr double kCodes = 255;
    sum_ += musiq_.Score(TensorOf(PictureOf(frame)).to(at::kFloat) / kCodes);
    ++scored_;
  }

  MetricValues Finish() override { return {{"musiq", sum_ / static_cast<double>(scored_)}}; }

 private:
  int64_t frames_;
  const Musiq& musiq_;
  double sum_ = 0;
  int64_t scored_ = 0;
};

class MusiqMetric : public Metric {
 public:
  explicit MusiqMetric(const LoadedNetwork<MusiqConfig>& loaded)
      : musiq_(loaded.config, loaded.tensors) {}

  std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) override {
    return std::make_unique<MusiqOfClip>(clip, musiq_);
  }

 private:
  Musiq musiq_;
};

}  // namespace

std::unique_ptr<Metric> OpenMusiq(const MetricSetup& setup) {
  return std::make_unique<MusiqMetric>(LoadNetwork(setup.weights, MusiqNaming(), ReadMusiqConfig,
                                                   MusiqTensors, NetworkDevice(setup.options)));
}

}  // namespace t3
