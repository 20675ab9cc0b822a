// Both kinds of block.
#include "models/taehv/block.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/stack.h>

#include "models/taehv/convolve.h"
#include "ops/feature_map/bias_relu.h"
#include "ops/profiler.h"

namespace t3 {
namespace {

// relu(x + c3(relu(c2(relu(c1(x, previous x)))))). The first convolution's channels are those of x,
// then those of the frame before: two taps in time.
class PlainBlock : public TaehvBlock {
 public:
  PlainBlock(const TensorMap& tensors, const std::string& prefix)
      : bias1_(MapBias(tensors, prefix + ".conv.0")),
        weight2_(MapWeight(tensors, prefix + ".conv.2")),
        bias2_(MapBias(tensors, prefix + ".conv.2")),
        weight3_(MapWeight(tensors, prefix + ".conv.4")),
        bias3_(MapBias(tensors, prefix + ".conv.4")) {
    const at::Tensor weight = GetTensor(tensors, prefix + ".conv.0.weight").detach();
    const int64_t channels = weight.size(1) / 2;
    weight1_ = InMapLayout(
        at::stack({weight.narrow(1, channels, channels), weight.narrow(1, 0, channels)}, 2));
  }

  void operator()(const at::Tensor& input, const MapTarget& target,
                  const PollFn& poll) const override {
    at::Tensor y = ConvolveMaps(input, weight1_, poll);
    Relu(y, bias1_, {}, y);
    y = ConvolveMaps(y, weight2_, poll);
    Relu(y, bias2_, {}, y);
    y = ConvolveMaps(y, weight3_, poll);
    Relu(y, bias3_, input.narrow(0, 1, y.size(0)), target());
  }

 private:
  static void Relu(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x,
                   const at::Tensor& out) {
    const ProfileScope scope("bias, residual and ReLU");
    BiasRelu(y, bias, x, out);
  }

  at::Tensor weight1_;  // (C,C,2,3,3)
  at::Tensor bias1_;
  at::Tensor weight2_;  // (C,C,1,3,3)
  at::Tensor bias2_;
  at::Tensor weight3_;
  at::Tensor bias3_;
};

// x + narrow(relu(widen(filter(x, previous x)))): a 7x7 filter of each channel, then two products.
class SuperBlock : public TaehvBlock {
 public:
  SuperBlock(const TensorMap& tensors, const std::string& prefix)
      : filter_(GetTensor(tensors, prefix + ".conv.0.weight").detach()),
        widen_(GetTensor(tensors, prefix + ".conv.1.weight").detach().flatten(1)),
        widen_bias_(GetTensor(tensors, prefix + ".conv.1.bias").detach()),
        narrow_(GetTensor(tensors, prefix + ".conv.3.weight").detach().flatten(1)) {}

  void operator()(const at::Tensor& input, const MapTarget& target,
                  const PollFn& poll) const override {
    const at::Tensor out = target();
    for (int64_t t = 0; t < out.size(0); ++t) {
      if (poll) poll();
      const at::Tensor x = input.narrow(0, t + 1, 1);
      at::Tensor y = Filter(at::cat({x, input.narrow(0, t, 1)}, 3));
      if (poll) poll();
      const ProfileScope scope("products of a block");
      y = at::linear(at::linear(y, widen_, widen_bias_).relu_(), narrow_);
      out.narrow(0, t, 1).copy_(y.add_(x));
    }
  }

 private:
  // (1,R,W,2C) -> the same.
  at::Tensor Filter(const at::Tensor& x) const {
    const ProfileScope scope("filter of each channel");
    const at::Tensor y = at::conv2d(x.permute({0, 3, 1, 2}), filter_, {}, at::IntArrayRef{1},
                                    at::IntArrayRef{3}, at::IntArrayRef{1}, x.size(3));
    return y.permute({0, 2, 3, 1}).contiguous();
  }

  at::Tensor filter_;      // (2C,1,7,7)
  at::Tensor widen_;       // (4C,2C)
  at::Tensor widen_bias_;  // (4C)
  at::Tensor narrow_;      // (C,4C)
};

}  // namespace

std::unique_ptr<TaehvBlock> MakeTaehvBlock(TaehvBlocks kind, const TensorMap& tensors,
                                           const std::string& prefix) {
  if (kind == TaehvBlocks::kPlain) return std::make_unique<PlainBlock>(tensors, prefix);
  return std::make_unique<SuperBlock>(tensors, prefix);
}

}  // namespace t3
