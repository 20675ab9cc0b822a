// DoverSwin over ATen; maps are (D,H,W,C).
#include "models/dover/swin.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "arch/dover.h"

namespace t3 {
namespace {

constexpr double kNormEps = 1e-5;
const std::string kSwinPrefix = "technical_backbone.";

// (D,H,W,C), H and W even -> (D,H/2,W/2,4 C): the published order has columns outside.
at::Tensor FourOfEach(const at::Tensor& x) {
  const auto phase = [&](int64_t row, int64_t column) {
    return x.slice(1, row, std::nullopt, 2).slice(2, column, std::nullopt, 2);
  };
  return at::cat({phase(0, 0), phase(1, 0), phase(0, 1), phase(1, 1)}, -1);
}

}  // namespace

DoverSwin::Norm DoverSwin::MakeNorm(const TensorMap& tensors, const std::string& prefix) {
  return {GetTensor(tensors, prefix + ".weight"), GetTensor(tensors, prefix + ".bias")};
}

at::Tensor DoverSwin::Norm::Run(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, kNormEps);
}

DoverSwin::Stage DoverSwin::MakeStage(const DoverConfig& config, const TensorMap& tensors,
                                      size_t number) {
  const std::string layer = fmt::format("{}layers.{}.", kSwinPrefix, number);
  Stage stage;
  for (int64_t i = 0; i < config.swin_depths[number]; ++i) {
    const std::string block = fmt::format("{}blocks.{}.", layer, i);
    stage.blocks.push_back(
        {.norm1 = MakeNorm(tensors, block + "norm1"),
         .norm2 = MakeNorm(tensors, block + "norm2"),
         .attention = DoverAttention(tensors, block + "attn.", config.swin_heads[number],
                                     number < kDoverFragmentStages),
         .fc1 = Linear(tensors, block + "mlp.fc1"),
         .fc2 = Linear(tensors, block + "mlp.fc2")});
  }
  if (number + 1 < kDoverStages) {
    stage.merge_norm = MakeNorm(tensors, layer + "downsample.norm");
    stage.merge = Linear(tensors, layer + "downsample.reduction");
  }
  return stage;
}

DoverSwin::DoverSwin(const DoverConfig& config, const TensorMap& tensors)
    : patch_weight_(GetTensor(tensors, kSwinPrefix + "patch_embed.proj.weight")),
      patch_bias_(GetTensor(tensors, kSwinPrefix + "patch_embed.proj.bias")),
      patch_norm_(MakeNorm(tensors, kSwinPrefix + "patch_embed.norm")),
      norm_(MakeNorm(tensors, kSwinPrefix + "norm")) {
  for (size_t i = 0; i < kDoverStages; ++i) stages_[i] = MakeStage(config, tensors, i);
}

at::Tensor DoverSwin::RunStage(const Stage& stage, at::Tensor x) const {
  bool shifted = false;  // every second block
  for (const Block& block : stage.blocks) {
    const DoverWindows windows = DoverWindowsOf({x.size(0), x.size(1), x.size(2)}, shifted);
    const at::Tensor rows = SplitWindows(block.norm1.Run(x), windows);
    x = x + JoinWindows(block.attention.Run(rows, windows), windows);
    x = x + block.fc2(at::gelu(block.fc1(block.norm2.Run(x))));
    shifted = !shifted;
  }
  if (!stage.merge.weight.defined()) return x;
  return stage.merge(stage.merge_norm.Run(FourOfEach(x)));
}

at::Tensor DoverSwin::Run(const at::Tensor& video) const {
  const at::Tensor patches =
      at::conv3d(video.unsqueeze(0), patch_weight_, patch_bias_, kDoverPatch);
  at::Tensor x = patch_norm_.Run(patches[0].permute({1, 2, 3, 0}));
  for (const Stage& stage : stages_) x = RunStage(stage, x);
  return norm_.Run(x).permute({3, 0, 1, 2});
}

}  // namespace t3
