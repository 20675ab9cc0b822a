// Both kinds of upsampler.
#include "models/taehv/upsample.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include <vector>

#include "models/decoder/phase_weight.h"
#include "models/taehv/convolve.h"
#include "ops/feature_map/bias_relu.h"
#include "ops/feature_map/place_phases.h"
#include "ops/profiler.h"

namespace t3 {
namespace {

// One (grown,grown) for each of the stage's frames.
std::vector<at::Tensor> GrowWeights(const TensorMap& tensors, const TaehvStage& stage) {
  const at::Tensor all = GetTensor(tensors, stage.grow + ".weight").detach().flatten(1);
  const int64_t unused = all.size(0) - stage.time_factor * stage.grown;
  std::vector<at::Tensor> weights;
  for (int64_t copy = 0; copy < stage.time_factor; ++copy) {
    weights.push_back(all.narrow(0, unused + copy * stage.grown, stage.grown));
  }
  return weights;
}

// Nearest, a product that makes frames, a 3x3 convolution: all linear and without biases, so one
// convolution of the small map into the phases of each frame.
class PhaseUpsample : public TaehvUpsample {
 public:
  PhaseUpsample(const TensorMap& tensors, const TaehvStage& stage) {
    const at::Tensor conv = GetTensor(tensors, stage.conv + ".weight").detach();
    for (const at::Tensor& grow : GrowWeights(tensors, stage)) {
      const at::Tensor composed =
          at::einsum("omyx,mi->oiyx", {conv.to(at::kFloat), grow.to(at::kFloat)});
      phases_.push_back(InMapLayout(PhaseWeight(composed).to(conv.scalar_type()).unsqueeze(2)));
    }
    zero_ = at::zeros({conv.size(0)}, conv.options().dtype(at::kFloat));
  }

  void operator()(const at::Tensor& x, int64_t copy, const TaehvUpShapes& shapes,
                  const at::Tensor& out, const PollFn& poll) const override {
    const at::Tensor phases = ConvolveMaps(x, phases_.at(static_cast<size_t>(copy)), poll);
    const ProfileScope scope("upsampling: phases in place");
    PlacePhases(phases, zero_, {}, shapes.output.begin - 2 * shapes.source.begin, out);
  }

 private:
  std::vector<at::Tensor> phases_;  // (4*out,C,1,2,2) for each frame
  at::Tensor zero_;                 // (out)
};

// A 3x3 convolution into four pixels, ReLU, and a product that makes frames.
class ShuffleUpsample : public TaehvUpsample {
 public:
  ShuffleUpsample(const TensorMap& tensors, const TaehvStage& stage)
      : grow_(GrowWeights(tensors, stage)) {
    // The file has channel 4c + 2p + q for row parity p and column parity q; here it is
    // (2p + q)*out + c.
    const auto by_pixel = [](const at::Tensor& channels) {
      return channels.unflatten(0, {-1, 4}).transpose(0, 1).flatten(0, 1).contiguous();
    };
    weight_ =
        InMapLayout(by_pixel(GetTensor(tensors, stage.conv + ".weight").detach()).unsqueeze(2));
    bias_ = by_pixel(MapBias(tensors, stage.conv));
  }

  void operator()(const at::Tensor& x, int64_t copy, const TaehvUpShapes& shapes,
                  const at::Tensor& out, const PollFn& poll) const override {
    const at::Tensor wide = ConvolveMaps(x, weight_, poll);
    BiasRelu(wide, bias_, {}, wide);
    const ProfileScope scope("upsampling: frames and pixels in place");
    const at::Tensor pixels = at::linear(wide.unflatten(3, {2, 2, shapes.out}),
                                         grow_.at(static_cast<size_t>(copy)));  // 1,R,W,p,q,c
    const at::Tensor doubled =
        pixels.permute({0, 1, 3, 2, 4, 5}).contiguous().flatten(3, 4).flatten(1, 2);
    out.copy_(
        doubled.narrow(1, shapes.output.begin - 2 * shapes.source.begin, shapes.output.size()));
  }

 private:
  at::Tensor weight_;             // (4*out,C,1,3,3)
  at::Tensor bias_;               // (4*out)
  std::vector<at::Tensor> grow_;  // (out,out) for each frame
};

}  // namespace

std::unique_ptr<TaehvUpsample> MakeTaehvUpsample(TaehvBlocks kind, const TensorMap& tensors,
                                                 const TaehvStage& stage) {
  if (kind == TaehvBlocks::kPlain) return std::make_unique<PhaseUpsample>(tensors, stage);
  return std::make_unique<ShuffleUpsample>(tensors, stage);
}

}  // namespace t3
