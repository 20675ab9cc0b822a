// The denoiser.
#include "models/dit/dit.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/check.h"
#include "models/dit/token_chunks.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

// (z,T,h,w) -> (N, 4z), channels (c, dh, dw).
at::Tensor Patchify(const at::Tensor& latents) {
  return latents.unflatten(3, {-1, 2})
      .unflatten(2, {-1, 2})
      .permute({1, 2, 4, 0, 3, 5})
      .reshape({-1, 4 * latents.size(0)});
}

// (N, 4z), channels (dh, dw, c) -> (z,T,h,w).
at::Tensor Unpatchify(const at::Tensor& tokens, const Grid& grid) {
  return tokens.view({grid.t, grid.h, grid.w, 2, 2, -1})
      .permute({5, 0, 1, 3, 2, 4})
      .reshape({-1, grid.t, 2 * grid.h, 2 * grid.w});
}

// f on pieces of rows of x, results stacked; one piece when gradients are on.
template <typename F>
at::Tensor MapPieces(const at::Tensor& x, int64_t bytes_per_token, int64_t scratch_bytes, F f) {
  const int64_t tokens = x.size(0);
  if (GradientsOn()) return f(x, 0);
  const int64_t piece = TokensAPiece(tokens, bytes_per_token, scratch_bytes);
  at::Tensor all;
  ForTokenPieces(tokens, piece, [&](int64_t first, int64_t count) {
    const at::Tensor part = f(x.narrow(0, first, count), first);
    if (count == tokens) {
      all = part;
    } else {
      if (!all.defined()) all = at::empty({tokens, part.size(1)}, part.options());
      all.narrow(0, first, count).copy_(part);
    }
  });
  return all;
}

void CheckForward(const at::Tensor& latents, int64_t clean_frames, const TextContext& text,
                  const DitAttention& attention, const DitConfig& config) {
  T3_CHECK(latents.dim() == 4 && latents.size(0) == config.latent_channels &&
               latents.size(2) % 2 == 0 && latents.size(3) % 2 == 0,
           "DiT: latents ({}); wanted ({}, frames, even height, even width)",
           fmt::join(latents.sizes(), ", "), config.latent_channels);
  const Grid grid{latents.size(1), latents.size(2) / 2, latents.size(3) / 2};
  T3_CHECK(grid == attention.grid() && attention.layers() == config.num_layers,
           "DiT: latents make {}x{}x{} tokens, the windows are for {}x{}x{} and {} layers of {}",
           grid.t, grid.h, grid.w, attention.grid().t, attention.grid().h, attention.grid().w,
           attention.layers(), config.num_layers);
  T3_CHECK(clean_frames >= 0 && clean_frames <= grid.t, "DiT: {} clean frames of {}", clean_frames,
           grid.t);
  T3_CHECK(text.layers.size() == static_cast<size_t>(config.num_layers),
           "DiT: text prepared for {} layers; wanted {}", text.layers.size(), config.num_layers);
}

}  // namespace

Dit::Dit(const DitConfig& config, const TensorMap& tensors)
    : config_(config),
      patch_embedding_(FloatLinear(tensors, "patch_embedding")),
      text_in_(tensors, "text_embedding.0"),
      text_out_(tensors, "text_embedding.2"),
      time_(config, tensors),
      head_(FloatLinear(tensors, "head.head")),
      head_modulation_(FloatTensor(tensors, "head.modulation")),
      scratch_bytes_(text_in_.weight.is_cuda() ? 6'000'000'000 : 1'000'000'000) {
  patch_embedding_.weight = patch_embedding_.weight.flatten(1);
  blocks_.reserve(config.num_layers);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.emplace_back(config, tensors, fmt::format("blocks.{}", i));
  }
}

TextContext Dit::PrepareText(const at::Tensor& embeds) const {
  T3_CHECK(embeds.dim() == 2 && embeds.size(1) == config_.text_dim && embeds.size(0) > 0 &&
               embeds.size(0) <= config_.text_len,
           "DiT: text embeds ({}); wanted (1..{}, {})", fmt::join(embeds.sizes(), ", "),
           config_.text_len, config_.text_dim);
  at::Tensor rows = embeds.to(text_in_.weight.options());
  const int64_t padded = config_.text_len - rows.size(0);
  if (padded > 0) rows = at::cat({rows, at::zeros({1, config_.text_dim}, rows.options())});
  rows = text_out_(at::gelu(text_in_(rows), "tanh"));
  TextContext context;
  if (padded > 1 && rows.is_cuda()) {
    rows = at::cat({rows, rows.narrow(0, rows.size(0) - 1, 1).expand({padded - 1, -1})});
  } else if (padded > 1) {
    context.bias = at::zeros({rows.size(0)}, rows.options().dtype(at::kFloat));
    context.bias[-1] = std::log(static_cast<double>(padded));
  }
  for (const DitBlock& block : blocks_) context.layers.push_back(block.PrepareText(rows));
  return context;
}

at::Tensor Dit::Forward(const at::Tensor& latents, double timestep, int64_t clean_frames,
                        const TextContext& text, const DitAttention& attention,
                        const LayerWatch& watch) const {
  CheckForward(latents, clean_frames, text, attention, config_);
  const Grid& grid = attention.grid();
  const TimeVectors time =
      time_(clean_frames > 0 ? std::vector<double>{0, timestep} : std::vector<double>{timestep});
  BlockContext context{.time = time.blocks,
                       .split = clean_frames * grid.h * grid.w,
                       .windows = nullptr,
                       .rope = &attention.rope(),
                       .text = nullptr,
                       .text_bias = text.bias,
                       .scratch_bytes = scratch_bytes_};
  at::Tensor x = Embed(latents);
  if (watch) watch("patch_embedding", x);
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    context.windows = &attention.layer(i);
    context.text = &text.layers[i];
    blocks_[i].Forward(x, context);
    if (watch) watch(fmt::format("blocks.{}", i), x);
  }
  const at::Tensor tokens = Head(x, time.head, context.split);
  if (watch) watch("head", tokens);
  return Unpatchify(tokens, grid);
}

at::Tensor Dit::Embed(const at::Tensor& latents) const {
  const at::Tensor tokens = Patchify(latents.to(patch_embedding_.weight.options()));
  return MapPieces(tokens, 6 * config_.dim, scratch_bytes_, [&](const at::Tensor& rows, int64_t) {
    return patch_embedding_(rows).to(dtype());
  });
}

at::Tensor Dit::Head(const at::Tensor& x, const at::Tensor& time, int64_t split) const {
  const at::Tensor vectors =
      (head_modulation_ + time.unsqueeze(1)).transpose(0, 1).contiguous();  // (2, K, dim)
  const TokenVectors shift{vectors[0], split}, multiplier{1 + vectors[1], split};
  const LayerNormOptions options{config_.eps, head_.weight.scalar_type()};
  return MapPieces(x, 8 * config_.dim, scratch_bytes_, [&](const at::Tensor& rows, int64_t first) {
    const int64_t count = rows.size(0);
    return head_(LayerNormModulate(rows, multiplier.Slice(first, count), shift.Slice(first, count),
                                   options));
  });
}

}  // namespace t3
