// The VAE from its formulas. It shares the table of levels with the product, and no layer.
#include "models/vae/testing/reference_vae.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string>
#include <vector>

#include "arch/vae_levels.h"

namespace t3 {
namespace {

using Sizes = std::vector<int64_t>;

class ReferenceVae {
 public:
  ReferenceVae(const VaeConfig& config, const TensorMap& tensors)
      : config_(config), tensors_(tensors) {}

  at::Tensor Decode(const at::Tensor& latents) const {
    at::Tensor x = latents * PerChannel(config_.std) + PerChannel(config_.mean);
    x = Conv(x.unsqueeze(0), "conv2");
    x = Middle(Conv(x, "decoder.conv1"), "decoder.middle");
    for (const VaeLevel& level : DecoderLevels(config_)) x = DecodeLevel(x, level);
    x = Unpatch(Conv(Silu(Norm(x, "decoder.head.0")), "decoder.head.2"));
    return x.clamp(-1, 1).squeeze(0);
  }

  at::Tensor Encode(const at::Tensor& video) const {
    at::Tensor x = Conv(Patch(video.unsqueeze(0)), "encoder.conv1");
    for (const VaeLevel& level : EncoderLevels(config_)) x = EncodeLevel(x, level);
    x = Middle(x, "encoder.middle");
    x = Conv(Conv(Silu(Norm(x, "encoder.head.0")), "encoder.head.2"), "conv1");
    x = x.narrow(1, 0, config_.latent_channels).squeeze(0);
    return (x - PerChannel(config_.mean)) / PerChannel(config_.std);
  }

 private:
  bool v22() const { return config_.version == VaeVersion::k22; }
  bool Has(const std::string& name) const { return tensors_.contains(name + ".weight"); }
  at::Tensor Weight(const std::string& name) const { return tensors_.at(name + ".weight"); }
  at::Tensor Bias(const std::string& name) const { return tensors_.at(name + ".bias"); }

  static at::Tensor PerChannel(const std::vector<double>& values) {
    return at::tensor(values).to(at::kFloat).view({-1, 1, 1, 1});
  }
  static at::Tensor Silu(const at::Tensor& x) { return x * at::sigmoid(x); }

  // Zero frames in front, rows and columns padded alike.
  at::Tensor Conv(const at::Tensor& x, const std::string& name) const {
    const at::Tensor w = Weight(name);
    const int64_t t = w.size(2) - 1, h = w.size(3) / 2, v = w.size(4) / 2;
    return at::conv3d(at::constant_pad_nd(x, Sizes{v, v, h, h, t, 0}), w, Bias(name));
  }

  at::Tensor Norm(const at::Tensor& x, const std::string& name) const {
    const at::Tensor length = x.square().sum(1, true).sqrt();
    return x / at::maximum(length, at::full({}, 1e-12)) *
           std::sqrt(static_cast<double>(x.size(1))) *
           tensors_.at(name + ".gamma").view({1, -1, 1, 1, 1});
  }

  at::Tensor Residual(const at::Tensor& x, const std::string& name) const {
    at::Tensor y = Conv(Silu(Norm(x, name + ".residual.0")), name + ".residual.2");
    y = Conv(Silu(Norm(y, name + ".residual.3")), name + ".residual.6");
    return y + (Has(name + ".shortcut") ? Conv(x, name + ".shortcut") : x);
  }

  at::Tensor Middle(const at::Tensor& x, const std::string& name) const {
    return Residual(Attention(Residual(x, name + ".0"), name + ".1"), name + ".2");
  }

  at::Tensor Attention(const at::Tensor& x, const std::string& name) const {
    const at::Tensor normed = Norm(x, name + ".norm");
    std::vector<at::Tensor> frames;
    for (int64_t t = 0; t < x.size(2); ++t) {
      const at::Tensor qkv =
          at::conv2d(normed.select(2, t), Weight(name + ".to_qkv"), Bias(name + ".to_qkv"));
      const std::vector<at::Tensor> parts = qkv.flatten(2).squeeze(0).chunk(3, 0);  // (C,N)
      const double scale = 1 / std::sqrt(static_cast<double>(x.size(1)));
      const at::Tensor p = at::softmax(parts[0].t().mm(parts[1]) * scale, 1);
      const at::Tensor out = parts[2].mm(p.t()).view_as(x.select(2, t));
      frames.push_back(at::conv2d(out, Weight(name + ".proj"), Bias(name + ".proj")));
    }
    return x + at::stack(frames, 2);
  }

  at::Tensor Frame(const at::Tensor& x, int64_t t) const { return x.narrow(2, t, 1); }

  at::Tensor DecodeLevel(const at::Tensor& x, const VaeLevel& level) const {
    at::Tensor y = x;
    for (int64_t i = 0; i < level.blocks; ++i) y = Residual(y, level.BlockName(i));
    if (!level.resamples()) return y;
    const std::string name = level.ResamplerName();
    if (level.time_factor > 1) y = UpTime(y, name + ".time_conv");
    y = y.repeat_interleave(2, 3).repeat_interleave(2, 4);
    const at::Tensor w = Weight(name + ".resample.1").unsqueeze(2);
    y = at::conv3d(at::constant_pad_nd(y, Sizes{1, 1, 1, 1}), w, Bias(name + ".resample.1"));
    return level.shortcut ? y + DupUp(x, y.size(1), level.time_factor) : y;
  }

  at::Tensor UpTime(const at::Tensor& x, const std::string& name) const {
    std::vector<at::Tensor> frames{Frame(x, 0)};
    if (x.size(2) > 1) {
      const at::Tensor both = Conv(x.narrow(2, 1, x.size(2) - 1), name);
      for (int64_t t = 0; t < both.size(2); ++t) {
        for (const at::Tensor& half : Frame(both, t).chunk(2, 1)) frames.push_back(half);
      }
    }
    return at::cat(frames, 2);
  }

  // By the index formula, element by element.
  static at::Tensor DupUp(const at::Tensor& in, int64_t channels, int64_t ft) {
    const int64_t rep = channels * ft * 4 / in.size(1);
    const at::Tensor out =
        at::zeros({1, channels, in.size(2) * ft, in.size(3) * 2, in.size(4) * 2});
    auto to = out.accessor<float, 5>();
    const at::Tensor source = in.contiguous();
    const auto from = source.accessor<float, 5>();
    for (int64_t o = 0; o < out.size(1); ++o)
      for (int64_t t = 0; t < out.size(2); ++t)
        for (int64_t h = 0; h < out.size(3); ++h)
          for (int64_t w = 0; w < out.size(4); ++w) {
            const int64_t c = (((o * ft + t % ft) * 2 + h % 2) * 2 + w % 2) / rep;
            to[0][o][t][h][w] = from[0][c][t / ft][h / 2][w / 2];
          }
    return out.slice(2, ft - 1);
  }

  at::Tensor EncodeLevel(const at::Tensor& x, const VaeLevel& level) const {
    at::Tensor y = x;
    for (int64_t i = 0; i < level.blocks; ++i) y = Residual(y, level.BlockName(i));
    if (level.resamples()) {
      const std::string name = level.ResamplerName();
      const at::Tensor w = Weight(name + ".resample.1").unsqueeze(2);
      y = at::conv3d(at::constant_pad_nd(y, Sizes{0, 1, 0, 1}), w, Bias(name + ".resample.1"),
                     Sizes{1, 2, 2});
      if (level.time_factor > 1) y = DownTime(y, name + ".time_conv");
    }
    if (!level.shortcut) return y;
    return y + AvgDown(x, y.size(1), level.time_factor, level.space_factor);
  }

  at::Tensor DownTime(const at::Tensor& x, const std::string& name) const {
    std::vector<at::Tensor> frames{Frame(x, 0)};
    for (int64_t j = 1; 2 * j < x.size(2); ++j) {
      frames.push_back(at::conv3d(x.narrow(2, 2 * j - 2, 3), Weight(name), Bias(name)));
    }
    return at::cat(frames, 2);
  }

  static at::Tensor AvgDown(const at::Tensor& in, int64_t channels, int64_t ft, int64_t fs) {
    const at::Tensor x = at::constant_pad_nd(in, Sizes{0, 0, 0, 0, ft - 1, 0});
    std::vector<at::Tensor> unfolded;  // channels in the order (c,a,b,d)
    for (int64_t c = 0; c < in.size(1); ++c)
      for (int64_t a = 0; a < ft; ++a)
        for (int64_t b = 0; b < fs; ++b)
          for (int64_t d = 0; d < fs; ++d) {
            unfolded.push_back(x.select(1, c)
                                   .slice(1, a, std::nullopt, ft)
                                   .slice(2, b, std::nullopt, fs)
                                   .slice(3, d, std::nullopt, fs));
          }
    const int64_t group = static_cast<int64_t>(unfolded.size()) / channels;
    std::vector<at::Tensor> means;
    for (int64_t o = 0; o < channels; ++o) {
      at::Tensor sum = at::zeros_like(unfolded[0]);
      for (int64_t i = 0; i < group; ++i) sum = sum + unfolded[static_cast<size_t>(o * group + i)];
      means.push_back(sum / group);
    }
    return at::stack(means, 1);
  }

  // Channel c*4 + r*2 + q: row offset q, column offset r.
  at::Tensor Patch(const at::Tensor& x) const {
    if (!v22()) return x;
    std::vector<at::Tensor> channels;
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t r = 0; r < 2; ++r)
        for (int64_t q = 0; q < 2; ++q) {
          channels.push_back(
              x.select(1, c).slice(2, q, std::nullopt, 2).slice(3, r, std::nullopt, 2));
        }
    return at::stack(channels, 1);
  }

  at::Tensor Unpatch(const at::Tensor& x) const {
    if (!v22()) return x;
    const at::Tensor out = at::zeros({1, 3, x.size(2), x.size(3) * 2, x.size(4) * 2});
    for (int64_t channel = 0; channel < 12; ++channel) {
      out.select(1, channel / 4)
          .slice(2, channel % 2, std::nullopt, 2)
          .slice(3, channel / 2 % 2, std::nullopt, 2)
          .copy_(x.select(1, channel));
    }
    return out;
  }

  const VaeConfig& config_;
  const TensorMap& tensors_;
};

}  // namespace

at::Tensor ReferenceDecode(const VaeConfig& config, const TensorMap& tensors,
                           const at::Tensor& latents) {
  return ReferenceVae(config, tensors).Decode(latents);
}

at::Tensor ReferenceEncode(const VaeConfig& config, const TensorMap& tensors,
                           const at::Tensor& video) {
  return ReferenceVae(config, tensors).Encode(video);
}

}  // namespace t3
