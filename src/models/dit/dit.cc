// The denoiser.
#include "models/dit/dit.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "models/dit/text_rows.h"
#include "ops/attention_backend.h"
#include "ops/dispatch.h"
#include "ops/text_attention.h"
#include "plan/chunks.h"
#include "plan/memory.h"

namespace t3 {
namespace {

// (B,z,T,h,w) -> (B*N, 4z), channels (c, dh, dw).
at::Tensor Patchify(const at::Tensor& latents) {
  return latents.unflatten(4, {-1, 2})
      .unflatten(3, {-1, 2})
      .permute({0, 2, 3, 5, 1, 4, 6})
      .reshape({-1, 4 * latents.size(1)});
}

// (B*N, 4z), channels (dh, dw, c) -> (B,z,T,h,w).
at::Tensor Unpatchify(const at::Tensor& tokens, const Grid& grid) {
  const int64_t z = tokens.size(1) / 4;
  return tokens.view({-1, grid.t, grid.h, grid.w, 2, 2, z})
      .permute({0, 6, 1, 2, 4, 3, 5})
      .reshape({-1, z, grid.t, 2 * grid.h, 2 * grid.w});
}

// f on pieces of rows of x, results stacked; one piece when gradients are on.
template <typename F>
at::Tensor MapPieces(const at::Tensor& x, int64_t bytes_per_token, int64_t scratch_bytes, F f) {
  const int64_t tokens = x.size(0);
  if (GradientsOn()) return f(x, 0);
  const int64_t piece = ChunkTokens(tokens, bytes_per_token, scratch_bytes);
  at::Tensor all;
  ForEachChunk(tokens, piece, [&](int64_t first, int64_t count) {
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

// Where attention takes a bias at little cost, rows of padding are left out.
TextPadding PaddingFor(const at::Tensor& weight, const DitConfig& config,
                       const std::vector<int64_t>& lengths) {
  if (weight.is_cpu()) return TextPadding::kOne;
  const int64_t rows = TextRows(lengths, config.text_len, TextPadding::kBf16Bias);
  const bool takes_bias =
      AttendTakesBias(weight) ||
      (lengths.size() == 1 && TextAttentionHasKernel(weight, config.head_dim(), rows));
  return takes_bias ? TextPadding::kBf16Bias : TextPadding::kAll;
}

// Latents (B,z,T,h,w).
void CheckForward(const at::Tensor& latents, const TextContext& text,
                  const AttentionLayout& attention, const DitConfig& config) {
  T3_CHECK(latents.dim() == 5 && latents.size(1) == config.latent_channels &&
               latents.size(3) % 2 == 0 && latents.size(4) % 2 == 0,
           "DiT: latents ({}); wanted {} channels, frames, even height, even width",
           fmt::join(latents.sizes(), ", "), config.latent_channels);
  const Grid grid{latents.size(2), latents.size(3) / 2, latents.size(4) / 2};
  T3_CHECK(grid == attention.grid() && attention.layers() == config.num_layers,
           "DiT: latents make {}x{}x{} tokens, the windows are for {}x{}x{} and {} layers of {}",
           grid.t, grid.h, grid.w, attention.grid().t, attention.grid().h, attention.grid().w,
           attention.layers(), config.num_layers);
  T3_CHECK(text.layers.size() == static_cast<size_t>(config.num_layers),
           "DiT: text prepared for {} layers; wanted {}", text.layers.size(), config.num_layers);
  const int64_t videos = latents.size(0), texts = text.layers[0].k.size(0);
  T3_CHECK(videos == attention.videos() && videos == texts,
           "DiT: latents of {} videos, windows of {}, texts of {}", videos, attention.videos(),
           texts);
}

}  // namespace

Dit::Dit(const DitConfig& config, const TensorMap& tensors)
    : Dit(config, tensors, /*blocks_too=*/true) {}

Dit::Dit(const DitConfig& config, const TensorMap& tensors, std::shared_ptr<const HostWeights> host)
    : Dit(config, tensors, /*blocks_too=*/false) {
  host_ = std::move(host);
  const BlockLayout layout(config, dtype());
  stream_ = std::make_shared<BlockStream>(host_->blocks(), device(), layout.bytes(),
                                          host_->CopyInto(layout));
  for (int i = 0; i < BlockStream::kBuffers; ++i) {
    blocks_.emplace_back(config, layout.Views(stream_->buffer(i), "blocks.0"), "blocks.0");
  }
}

Dit::Dit(const DitConfig& config, const TensorMap& tensors, bool blocks_too)
    : config_(config),
      patch_embedding_(FloatLinear(tensors, "patch_embedding")),
      text_in_(tensors, "text_embedding.0"),
      text_out_(tensors, "text_embedding.2"),
      time_(config, tensors),
      head_(FloatLinear(tensors, "head.head")),
      head_modulation_(FloatTensor(tensors, "head.modulation")),
      scratch_bytes_(DenoiserScratchBytes(text_in_.weight.is_cuda())) {
  patch_embedding_.weight = patch_embedding_.weight.flatten(1);
  if (!blocks_too) return;
  blocks_.reserve(config.num_layers);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.emplace_back(config, tensors, fmt::format("blocks.{}", i));
  }
}

const DitBlock& Dit::Block(int64_t i) const {
  return blocks_[static_cast<size_t>(stream_ ? stream_->Use(i) : i)];
}

TextContext Dit::PrepareTexts(const std::vector<at::Tensor>& embeds) const {
  std::vector<int64_t> lengths;
  for (const at::Tensor& text : embeds) {
    T3_CHECK(text.dim() == 2, "DiT: text embeds ({}); wanted (rows, {})",
             fmt::join(text.sizes(), ", "), config_.text_dim);
    lengths.push_back(text.size(0));
  }
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  std::vector<at::Tensor> padded;
  for (const at::Tensor& text : embeds) {
    padded.push_back(at::constant_pad_nd(text, {0, 0, 0, longest - text.size(0)}));
  }
  return PrepareTexts(at::stack(padded), lengths);
}

TextContext Dit::PrepareTexts(const at::Tensor& padded, const std::vector<int64_t>& lengths) const {
  const auto [least, longest] = std::minmax_element(lengths.begin(), lengths.end());
  T3_CHECK(padded.dim() == 3 && padded.size(0) == std::ssize(lengths) &&
               padded.size(1) == *longest && padded.size(2) == config_.text_dim && *least > 0 &&
               *longest <= config_.text_len,
           "DiT: text embeds ({}) of {} to {} rows; wanted (texts, 1..{}, {})",
           fmt::join(padded.sizes(), ", "), *least, *longest, config_.text_len, config_.text_dim);
  const TextPadding padding = PaddingFor(text_in_.weight, config_, lengths);
  const int64_t rows = TextRows(lengths, config_.text_len, padding);
  const at::Tensor embeds =
      at::constant_pad_nd(padded.to(text_in_.weight.options()), {0, 0, 0, rows - *longest});
  const at::Tensor text = text_out_(at::gelu(text_in_(embeds), "tanh"));
  TextContext context;
  context.bias = TextBias(lengths, config_.text_len, rows, padding);
  if (context.bias.defined()) context.bias = context.bias.to(device());
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    context.layers.push_back(Block(i).PrepareText(text));
  }
  return context;
}

Dit::Pass Dit::Begin(const at::Tensor& latents, double timestep, int64_t clean_frames,
                     const TextContext& text, const AttentionLayout& attention,
                     const LayerWatch& watch) const {
  CheckForward(latents.unsqueeze(0), text, attention, config_);
  T3_CHECK(!stream_ || !GradientsOn(),
           "DiT: weights that are streamed from host memory have no gradients; turn them off");
  const Grid& grid = attention.grid();
  T3_CHECK(clean_frames >= 0 && clean_frames <= grid.t, "DiT: {} clean frames of {}", clean_frames,
           grid.t);
  Pass pass;
  pass.time =
      time_(clean_frames > 0 ? std::vector<double>{0, timestep} : std::vector<double>{timestep});
  pass.context = {.time = pass.time.blocks,
                  .split = clean_frames * grid.h * grid.w,
                  .windows = &attention.layer(0),
                  .rope = &attention.rope(),
                  .scratch_bytes = scratch_bytes_};
  pass.x = Embed(latents.unsqueeze(0));
  if (watch) watch("patch_embedding", pass.x);
  Block(0).AttendSelf(pass.x, pass.context);
  return pass;
}

at::Tensor Dit::End(Pass& pass, const TextContext& text, const AttentionLayout& attention,
                    const LayerWatch& watch) const {
  BlockContext& context = pass.context;
  context.text_bias = text.bias;
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    context.windows = &attention.layer(i);
    context.text = text.layers[i];
    const DitBlock& block = Block(i);
    if (i > 0) block.AttendSelf(pass.x, context);
    block.AfterAttendSelf(pass.x, context);
    if (watch) watch(fmt::format("blocks.{}", i), pass.x);
  }
  const at::Tensor tokens = Head(pass.x, pass.time.head, context);
  if (watch) watch("head", tokens);
  return Unpatchify(tokens, attention.grid())[0];
}

at::Tensor Dit::Forward(const at::Tensor& latents, double timestep, int64_t clean_frames,
                        const TextContext& text, const AttentionLayout& attention,
                        const LayerWatch& watch) const {
  Pass pass = Begin(latents, timestep, clean_frames, text, attention, watch);
  return End(pass, text, attention, watch);
}

std::array<at::Tensor, 2> Dit::ForwardBoth(const at::Tensor& latents, double timestep,
                                           int64_t clean_frames,
                                           const std::array<const TextContext*, 2>& texts,
                                           const AttentionLayout& attention) const {
  const auto& [first, second] = texts;
  Pass pass = Begin(latents, timestep, clean_frames, *first, attention, {});
  const auto kept_bytes = static_cast<int64_t>(pass.x.nbytes());
  if (kept_bytes > scratch_bytes_ / 2) {
    const at::Tensor velocity = End(pass, *first, attention, {});
    return {velocity, Forward(latents, timestep, clean_frames, *second, attention)};
  }
  CheckForward(latents.unsqueeze(0), *second, attention, config_);
  Pass other = pass;
  pass.x = pass.x.clone();
  pass.context.scratch_bytes -= kept_bytes;
  const at::Tensor velocity = End(pass, *first, attention, {});
  pass.x.reset();
  return {velocity, End(other, *second, attention, {})};
}

at::Tensor Dit::ForwardBatch(const at::Tensor& latents, const std::vector<double>& timesteps,
                             const TextContext& text, const AttentionLayout& attention,
                             const BlockRunners& runners) const {
  CheckForward(latents, text, attention, config_);
  T3_CHECK(
      !stream_,
      "DiT: {} videos in one forward with weights streamed from host memory; make one at a time "
      "(--batch 1), or give the GPU's memory a limit that holds the weights",
      latents.size(0));
  T3_CHECK(GradientsOn(), "DiT: a batch is run with gradients on");
  T3_CHECK(static_cast<int64_t>(timesteps.size()) == latents.size(0),
           "DiT: {} timesteps for {} videos", timesteps.size(), latents.size(0));
  const TimeVectors time = time_(timesteps);
  BlockContext context{.each = timesteps.size() > 1 ? attention.grid().tokens() : 0,
                       .rope = &attention.rope(),
                       .text_bias = text.bias,
                       .scratch_bytes = scratch_bytes_};
  context.pieces = runners.pieces;
  at::Tensor x = Embed(latents);
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    context.windows = &attention.layer(i);
    const NetworkPart block = [this, i, context](const std::vector<at::Tensor>& inputs) {
      BlockContext own = context;
      own.time = inputs[1];
      own.text = {inputs[2], inputs[3]};
      at::Tensor tokens = inputs[0];
      blocks_[i].Forward(tokens, own);
      return tokens;
    };
    const std::vector<at::Tensor> inputs{x, time.blocks, text.layers[i].k, text.layers[i].v};
    x = runners.blocks ? runners.blocks(block, inputs) : block(inputs);
  }
  return Unpatchify(Head(x, time.head, context), attention.grid());
}

at::Tensor Dit::Embed(const at::Tensor& latents) const {
  const at::Tensor tokens = Patchify(latents.to(patch_embedding_.weight.options()));
  return MapPieces(tokens, 6 * config_.dim, scratch_bytes_, [&](const at::Tensor& rows, int64_t) {
    return patch_embedding_(rows).to(dtype());
  });
}

at::Tensor Dit::Head(const at::Tensor& x, const at::Tensor& time,
                     const BlockContext& context) const {
  const at::Tensor vectors =
      (head_modulation_ + time.unsqueeze(1)).transpose(0, 1).contiguous();  // (2, K, dim)
  const TokenVectors shift{vectors[0], context.split, context.each};
  const TokenVectors multiplier{1 + vectors[1], context.split, context.each};
  const LayerNormOptions options{config_.eps, head_.weight.scalar_type()};
  return MapPieces(x, 8 * config_.dim, scratch_bytes_, [&](const at::Tensor& rows, int64_t first) {
    const int64_t count = rows.size(0);
    return head_(LayerNormModulate(rows, multiplier.Slice(first, count), shift.Slice(first, count),
                                   options));
  });
}

}  // namespace t3
