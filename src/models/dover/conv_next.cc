// DoverConvNext over ATen.
#include "models/dover/conv_next.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "arch/dover.h"

namespace t3 {
namespace {

constexpr double kConvNormEps = 1e-6;
constexpr std::array<int64_t, 3> kHalve{1, 2, 2};
const std::string kConvPrefix = "aesthetic_backbone.";

at::Tensor ChannelsLast(const at::Tensor& x) { return x.permute({0, 2, 3, 4, 1}); }
at::Tensor ChannelsFirst(const at::Tensor& x) { return x.permute({0, 4, 1, 2, 3}); }

}  // namespace

DoverConvNext::Convolution DoverConvNext::MakeConvolution(const TensorMap& tensors,
                                                          const std::string& prefix) {
  return {GetTensor(tensors, prefix + ".weight"), GetTensor(tensors, prefix + ".bias")};
}

DoverConvNext::Norm DoverConvNext::MakeNorm(const TensorMap& tensors, const std::string& prefix) {
  return {GetTensor(tensors, prefix + ".weight"), GetTensor(tensors, prefix + ".bias")};
}

at::Tensor DoverConvNext::Norm::Run(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, kConvNormEps);
}

at::Tensor DoverConvNext::Norm::RunFirst(const at::Tensor& x) const {
  return ChannelsFirst(Run(ChannelsLast(x)));
}

DoverConvNext::Stage DoverConvNext::MakeStage(const DoverConfig& config, const TensorMap& tensors,
                                              size_t number) {
  const std::string down = fmt::format("{}downsample_layers.{}.", kConvPrefix, number);
  // The first one normalises its output, the others their input.
  const char* const convolution = number == 0 ? "0" : "1";
  const char* const norm = number == 0 ? "1" : "0";
  Stage stage{.down = MakeConvolution(tensors, down + convolution),
              .down_norm = MakeNorm(tensors, down + norm),
              .blocks = {}};
  for (int64_t i = 0; i < config.conv_depths[number]; ++i) {
    const std::string block = fmt::format("{}stages.{}.{}.", kConvPrefix, number, i);
    stage.blocks.push_back({.depthwise = MakeConvolution(tensors, block + "dwconv"),
                            .norm = MakeNorm(tensors, block + "norm"),
                            .wide = Linear(tensors, block + "pwconv1"),
                            .narrow = Linear(tensors, block + "pwconv2"),
                            .gamma = GetTensor(tensors, block + "gamma")});
  }
  return stage;
}

DoverConvNext::DoverConvNext(const DoverConfig& config, const TensorMap& tensors)
    : norm_(MakeNorm(tensors, kConvPrefix + "norm")) {
  for (size_t i = 0; i < kDoverStages; ++i) stages_[i] = MakeStage(config, tensors, i);
}

at::Tensor DoverConvNext::RunBlock(const Block& block, const at::Tensor& x) {
  const at::Tensor& weight = block.depthwise.weight;
  const at::Tensor mixed =
      at::conv3d(x, weight, block.depthwise.bias, /*stride=*/1,
                 {weight.size(2) / 2, weight.size(3) / 2, weight.size(4) / 2}, /*dilation=*/1,
                 /*groups=*/x.size(1));
  const at::Tensor hidden = at::gelu(block.wide(block.norm.Run(ChannelsLast(mixed))));
  return x + ChannelsFirst(block.gamma * block.narrow(hidden));
}

at::Tensor DoverConvNext::Run(const at::Tensor& video) const {
  at::Tensor x = video.unsqueeze(0);
  for (size_t i = 0; i < kDoverStages; ++i) {
    const Stage& stage = stages_[i];
    if (i == 0) {
      x = stage.down_norm.RunFirst(at::conv3d(x, stage.down.weight, stage.down.bias, kDoverPatch));
    } else {
      x = at::conv3d(stage.down_norm.RunFirst(x), stage.down.weight, stage.down.bias, kHalve);
    }
    for (const Block& block : stage.blocks) x = RunBlock(block, x);
  }
  return norm_.Run(ChannelsLast(x))[0].permute({3, 0, 1, 2});
}

}  // namespace t3
