// MusiqStem over ATen.
#include "models/musiq/stem.h"

#include <ATen/ATen.h>

#include <string>

namespace t3 {
namespace {

constexpr int64_t kGroups = 32;
constexpr double kRootEps = 1e-6, kBlockEps = 1e-4, kWeightEps = 1e-5;

// TensorFlow's SAME: the output has ceil(size / stride) places; the odd zero goes below and right.
at::Tensor PadSame(const at::Tensor& x, int64_t kernel, int64_t stride) {
  const auto total = [&](int64_t size) {
    return ((size + stride - 1) / stride - 1) * stride + kernel - size;
  };
  const int64_t rows = total(x.size(2)), columns = total(x.size(3));
  return at::constant_pad_nd(x, {columns / 2, columns - columns / 2, rows / 2, rows - rows / 2}, 0);
}

// Each output's weights with mean 0 and standard deviation 1.
at::Tensor Standardised(const at::Tensor& weight) {
  const at::Tensor centred = weight - weight.mean({1, 2, 3}, /*keepdim=*/true);
  return centred / (centred.std({1, 2, 3}, /*unbiased=*/true, /*keepdim=*/true) + kWeightEps);
}

}  // namespace

MusiqStem::Layer MusiqStem::MakeLayer(const TensorMap& tensors, const char* conv, const char* norm,
                                      double eps) {
  return {.weight = Standardised(GetTensor(tensors, std::string(conv) + ".weight")),
          .norm_weight = GetTensor(tensors, std::string(norm) + ".weight"),
          .norm_bias = GetTensor(tensors, std::string(norm) + ".bias"),
          .eps = eps};
}

MusiqStem::MusiqStem(const TensorMap& tensors)
    : root_(MakeLayer(tensors, "conv_root", "gn_root", kRootEps)),
      reduce_(MakeLayer(tensors, "block1.conv1", "block1.gn1", kBlockEps)),
      middle_(MakeLayer(tensors, "block1.conv2", "block1.gn2", kBlockEps)),
      expand_(MakeLayer(tensors, "block1.conv3", "block1.gn3", kBlockEps)),
      shortcut_(MakeLayer(tensors, "block1.conv_proj", "block1.gn_proj", kBlockEps)) {}

at::Tensor MusiqStem::Layer::Run(const at::Tensor& x, int64_t stride) const {
  const at::Tensor padded = PadSame(x, weight.size(2), stride);
  return at::group_norm(at::conv2d(padded, weight, {}, stride), kGroups, norm_weight, norm_bias,
                        eps);
}

at::Tensor MusiqStem::Run(const at::Tensor& patches) const {
  at::Tensor x = at::relu(root_.Run(patches, 2));
  x = at::max_pool2d(PadSame(x, 3, 2), 3, 2);
  const at::Tensor hidden = at::relu(middle_.Run(at::relu(reduce_.Run(x, 1)), 1));
  x = at::relu(expand_.Run(hidden, 1) + shortcut_.Run(x, 1));
  return x.permute({0, 2, 3, 1}).flatten(1);
}

}  // namespace t3
