// clip_text and clip_aesthetic: what CLIP says of a clip's frames.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <utility>
#include <vector>

#include "arch/aesthetic_head.h"
#include "base/check.h"
#include "models/clip/aesthetic_head.h"
#include "score/networks/clip_network.h"
#include "score/networks/frame_picture.h"
#include "score/networks/loaded_network.h"
#include "score/networks/network_device.h"
#include "score/networks/network_metrics.h"

namespace t3 {
namespace {

// Collects the views of a clip's scored frames, 600 KB each; `value` makes one number of their
// embeddings, unit rows (B, embedding) on the CPU.
template <typename Value>
class ClipOfFrames : public ClipMetric {
 public:
  ClipOfFrames(const ClipInfo& clip, const ClipNetwork& network, std::string_view name, Value value)
      : frames_(clip.frames), network_(network), name_(name), value_(std::move(value)) {}

  void Add(const ScoreFrame& frame) override {
    if (!IsScoredFrame(frame.index, frames_)) return;
    views_.push_back(ClipView(PictureOf(frame), network_.config().image_size));
  }

  MetricValues Finish() override {
    const at::NoGradGuard no_grad;
    return {{name_, value_(network_.Images(views_))}};
  }

 private:
  int64_t frames_;
  const ClipNetwork& network_;
  std::string_view name_;
  Value value_;
  std::vector<at::Tensor> views_;
};

class ClipTextMetric : public Metric {
 public:
  explicit ClipTextMetric(const MetricSetup& setup)
      : network_(ClipNetwork::Open(setup.weights, NetworkDevice(setup.options))) {}

  std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) override {
    const at::NoGradGuard no_grad;
    const auto cosine = [text = network_->Text(clip.prompt)](const at::Tensor& images) {
      return images.matmul(text).mean().item<double>();
    };
    return std::make_unique<ClipOfFrames<decltype(cosine)>>(clip, *network_, "clip_text", cosine);
  }

 private:
  std::shared_ptr<const ClipNetwork> network_;
};

class ClipAestheticMetric : public Metric {
 public:
  ClipAestheticMetric(const std::string& clip, const std::string& head, at::Device device)
      : network_(ClipNetwork::Open(clip, device)), head_(LoadHead(head, *network_)) {}

  std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) override {
    const auto mark = [this](const at::Tensor& images) {
      return head_.Run(images).mean().template item<double>();
    };
    return std::make_unique<ClipOfFrames<decltype(mark)>>(clip, *network_, "clip_aesthetic", mark);
  }

 private:
  static AestheticHead LoadHead(const std::string& path, const ClipNetwork& network) {
    const auto loaded =
        LoadNetwork(path, AestheticNaming(), ReadAestheticConfig, AestheticTensors, at::kCPU);
    T3_CHECK(loaded.config.widths.front() == network.config().embedding,
             "{}: the LAION aesthetic head takes embeddings of {} values, CLIP gives {}; wanted "
             "CLIP ViT-L/14",
             path, loaded.config.widths.front(), network.config().embedding);
    return {loaded.config, loaded.tensors};
  }

  std::shared_ptr<const ClipNetwork> network_;
  AestheticHead head_;  // on the CPU, where the embeddings are
};

}  // namespace

std::unique_ptr<Metric> OpenClipText(const MetricSetup& setup) {
  return std::make_unique<ClipTextMetric>(setup);
}

std::unique_ptr<Metric> OpenClipAesthetic(const MetricSetup& setup) {
  const auto clip = setup.all_weights.find("clip");
  if (clip == setup.all_weights.end()) {
    FailUsage(
        "the LAION aesthetic head scores embeddings of CLIP ViT-L/14; name that too: `weights` "
        "clip=FILE");
  }
  return std::make_unique<ClipAestheticMetric>(clip->second, setup.weights,
                                               NetworkDevice(setup.options));
}

}  // namespace t3
