// The denoiser.
#include "models/dit/dit.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/check.h"
#include "models/dit/token_chunks.h"
#include "ops/modulate/modulate.h"
#include "plan/denoiser_memory.h"

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

// Latents (B,z,T,h,w).
void CheckForward(const at::Tensor& latents, const TextContext& text,
                  const AttentionLayout& attention, const DitConfig& config) {
  T3_CHECK(latents.dim() == 5 && latents.size(1) == config.latent_channels &&
               latents.size(3) % 2 == 0 && latents.size(4) % 2 == 0,
           "DiT: latents ({}); wanted {} channels, frames, even height, even width",
           fmt::join(latents.sizes(), ", "), config.latent_channels);
  const Grid grid{latents.size(2), latents.size(3) / 2, latents.size(4) / 2};
  T3_CHECK(grid == attention.grid() && attention.layers() == config.num_layers,
           "DiT: latents have {}x{}x{} tokens, the windows are for {}x{}x{} and {} layers of {}",
           grid.t, grid.h, grid.w, attention.grid().t, attention.grid().h, attention.grid().w,
           attention.layers(), config.num_layers);
  T3_CHECK(text.layers.size() == static_cast<size_t>(config.num_layers),
           "DiT: text prepared for {} layers; wanted {}", text.layers.size(), config.num_layers);
  const int64_t videos = latents.size(0), texts = text.layers[0].k.size(0);
  T3_CHECK(videos == attention.videos() && videos == texts,
           "DiT: latents of {} videos, windows of {}, texts of {}", videos, attention.videos(),
           texts);
}

// Text `i` of several.
TextContext TextOf(const TextContext& texts, int64_t i) {
  TextContext one;
  for (const TextKeys& keys : texts.layers)
    one.layers.push_back({keys.k.narrow(0, i, 1), keys.v.narrow(0, i, 1)});
  if (texts.bias.defined()) one.bias = texts.bias.narrow(0, i, 1);
  return one;
}

// Timesteps of a batch's tokens, as TokenVectors has its rows.
struct TokenTimesteps {
  std::vector<double> timesteps;
  int64_t boundary = 0;
  int64_t tokens_per_row = 0;
};

TokenTimesteps TimestepsOfBatch(const std::vector<double>& timesteps,
                                const std::vector<int64_t>& clean_frames, const Grid& grid) {
  T3_CHECK(clean_frames.empty() || clean_frames.size() == timesteps.size(),
           "DiT: clean frames of {} videos for {}", clean_frames.size(), timesteps.size());
  for (const int64_t clean : clean_frames)
    T3_CHECK(clean >= 0 && clean <= grid.t, "DiT: {} clean frames of {}", clean, grid.t);
  const int64_t frame = grid.h * grid.w;
  if (std::ranges::count(clean_frames, 0) == std::ssize(clean_frames))
    return {timesteps, 0, timesteps.size() > 1 ? grid.tokens() : 0};
  if (timesteps.size() == 1) return {{0, timesteps[0]}, clean_frames[0] * frame, 0};
  TokenTimesteps times{{}, 0, frame};
  for (size_t i = 0; i < timesteps.size(); ++i) {
    for (int64_t t = 0; t < grid.t; ++t)
      times.timesteps.push_back(t < clean_frames[i] ? 0 : timesteps[i]);
  }
  return times;
}

// A block's forward of {tokens, timesteps' vectors, keys, values of the text}. Copies the block,
// whose tensors are shared: a runner may call this after the Dit was destroyed.
Segment SegmentOf(const DitBlock& block, const BlockContext& context) {
  return [block, context](const std::vector<at::Tensor>& inputs) {
    at::Tensor tokens = inputs[0];
    block.Forward(tokens, context.WithInputs(inputs[1], {inputs[2], inputs[3]}));
    return tokens;
  };
}

}  // namespace

Dit::Dit(const DitConfig& config, const TensorMap& tensors)
    : Dit(config, tensors, /*with_blocks=*/true) {}

Dit::Dit(const DitConfig& config, const TensorMap& tensors, std::shared_ptr<const HostWeights> host)
    : Dit(config, tensors, /*with_blocks=*/false) {
  host_ = std::move(host);
  const BlockLayout layout(config, dtype(), host_->layout().fp8());
  stream_ = std::make_shared<BlockStream>(host_->blocks(), device(), layout.bytes(),
                                          host_->CopyInto(layout));
  for (int i = 0; i < BlockStream::kBuffers; ++i) {
    blocks_.emplace_back(config, layout.Views(stream_->buffer(i), "blocks.0"), "blocks.0");
  }
}

Dit::Dit(const DitConfig& config, const TensorMap& tensors, bool with_blocks)
    : config_(config),
      patch_embedding_(FloatLinear(tensors, "patch_embedding")),
      text_(config, tensors),
      time_(config, tensors),
      head_(FloatLinear(tensors, "head.head")),
      head_modulation_(FloatTensor(tensors, "head.modulation")),
      scratch_bytes_(DenoiserScratchBytes(device().is_cuda())) {
  patch_embedding_.weight = patch_embedding_.weight.flatten(1);
  if (!with_blocks) return;
  blocks_.reserve(config.num_layers);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.emplace_back(config, tensors, fmt::format("blocks.{}", i));
  }
}

const DitBlock& Dit::Block(int64_t i) const {
  return blocks_[static_cast<size_t>(stream_ ? stream_->Use(i) : i)];
}

TextContext Dit::PrepareText(const at::Tensor& embeds) const {
  const c10::NoGradGuard no_gradient;
  return PrepareTexts({embeds}, ExecutionMode::kInPlace);
}

TextContext Dit::PrepareTexts(const std::vector<at::Tensor>& embeds, ExecutionMode mode) const {
  const auto& [padded, lengths] = PadTexts(embeds, config_.text_dim);
  return PrepareTexts(padded, lengths, mode);
}

TextContext Dit::PrepareTexts(const at::Tensor& padded, const std::vector<int64_t>& lengths,
                              ExecutionMode mode) const {
  const EmbeddedTexts texts = text_(padded, lengths, mode);
  TextContext context;
  context.bias = texts.bias;
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    context.layers.push_back(Block(i).PrepareText(texts.rows, mode));
  }
  return context;
}

Dit::Pass Dit::Begin(const at::Tensor& latents, double timestep, int64_t clean_frames,
                     const TextContext& text, const AttentionLayout& attention,
                     const LayerWatch& watch) const {
  CheckForward(latents.unsqueeze(0), text, attention, config_);
  const Grid& grid = attention.grid();
  T3_CHECK(clean_frames >= 0 && clean_frames <= grid.t, "DiT: {} clean frames of {}", clean_frames,
           grid.t);
  Pass pass;
  pass.time =
      time_(clean_frames > 0 ? std::vector<double>{0, timestep} : std::vector<double>{timestep});
  pass.context = {.mode = ExecutionMode::kInPlace,
                  .time = pass.time.blocks,
                  .boundary = clean_frames * grid.h * grid.w,
                  .windows = &attention.layer(0),
                  .rope = &attention.rope(),
                  .shard = attention.shard(),
                  .scratch_bytes = scratch_bytes_};
  if (const TokenShard* shard = attention.shard())
    pass.context.boundary = shard->Boundary(pass.context.boundary);
  pass.x = Embed(latents.unsqueeze(0), pass.context.mode, attention.shard());
  if (watch) watch("patch_embedding", pass.x);
  Block(0).AddSelfAttention(pass.x, pass.context);
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
    if (i > 0) block.AddSelfAttention(pass.x, context);
    block.AddCrossAttentionAndFfn(pass.x, context);
    if (watch) watch(fmt::format("blocks.{}", i), pass.x);
  }
  const at::Tensor tokens = Head(pass.x, pass.time.head, context);
  if (watch) watch("head", tokens);
  const TokenShard* shard = attention.shard();
  return Unpatchify(shard ? shard->Gather(tokens) : tokens, attention.grid())[0];
}

at::Tensor Dit::Forward(const at::Tensor& latents, double timestep, int64_t clean_frames,
                        const TextContext& text, const AttentionLayout& attention,
                        const LayerWatch& watch) const {
  const c10::NoGradGuard no_gradient;
  Pass pass = Begin(latents, timestep, clean_frames, text, attention, watch);
  return End(pass, text, attention, watch);
}

std::array<at::Tensor, 2> Dit::ForwardBoth(const at::Tensor& latents, double timestep,
                                           int64_t clean_frames,
                                           const std::array<const TextContext*, 2>& texts,
                                           const AttentionLayout& attention) const {
  const c10::NoGradGuard no_gradient;
  const auto& [first, second] = texts;
  Pass pass = Begin(latents, timestep, clean_frames, *first, attention, {});
  const auto shared_bytes = static_cast<int64_t>(pass.x.nbytes());
  if (shared_bytes > scratch_bytes_ / 2) {
    const at::Tensor velocity = End(pass, *first, attention, {});
    return {velocity, Forward(latents, timestep, clean_frames, *second, attention)};
  }
  CheckForward(latents.unsqueeze(0), *second, attention, config_);
  Pass other = pass;
  pass.x = pass.x.clone();
  pass.context.scratch_bytes -= shared_bytes;
  const at::Tensor velocity = End(pass, *first, attention, {});
  pass.x.reset();
  return {velocity, End(other, *second, attention, {})};
}

at::Tensor Dit::ForwardBatch(const at::Tensor& latents, const std::vector<double>& timesteps,
                             const TextContext& text, const AttentionLayout& attention,
                             const SegmentRunners& runners,
                             const std::vector<int64_t>& clean_frames) const {
  if (attention.shard() != nullptr && latents.size(0) > 1)
    return ForwardEach(latents, timesteps, text, attention, runners, clean_frames);
  CheckForward(latents, text, attention, config_);
  T3_CHECK(!stream_,
           "DiT: {} videos in one forward with weights streamed from host memory; generate one at "
           "a time "
           "(`batch` 1), or give the GPU a memory limit that holds the weights",
           latents.size(0));
  T3_CHECK(static_cast<int64_t>(timesteps.size()) == latents.size(0),
           "DiT: {} timesteps for {} videos", timesteps.size(), latents.size(0));
  const TokenTimesteps times = TimestepsOfBatch(timesteps, clean_frames, attention.grid());
  const TimeVectors time = time_(times.timesteps);
  const TokenShard* const shard = attention.shard();
  BlockContext context{.mode = ExecutionMode::kDifferentiable,
                       .boundary = shard ? shard->Boundary(times.boundary) : times.boundary,
                       .tokens_per_row = times.tokens_per_row,
                       .rope = &attention.rope(),
                       .shard = shard,
                       .text_bias = text.bias,
                       .scratch_bytes = scratch_bytes_,
                       .chunk_runner = runners.chunk};
  at::Tensor x = Embed(latents, context.mode, shard);
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    context.windows = &attention.layer(i);
    const Segment segment = SegmentOf(Block(i), context);
    const std::vector<at::Tensor> inputs{x, time.blocks, text.layers[i].k, text.layers[i].v};
    x = runners.block ? runners.block(segment, inputs) : segment(inputs);
  }
  const at::Tensor tokens = Head(x, time.head, context);
  return Unpatchify(shard ? shard->GatherAutograd(tokens) : tokens, attention.grid());
}

at::Tensor Dit::ForwardEach(const at::Tensor& latents, const std::vector<double>& timesteps,
                            const TextContext& text, const AttentionLayout& attention,
                            const SegmentRunners& runners,
                            const std::vector<int64_t>& clean_frames) const {
  const int64_t videos = latents.size(0);
  T3_CHECK(std::ssize(timesteps) == videos && text.layers.at(0).k.size(0) == videos &&
               (clean_frames.empty() || std::ssize(clean_frames) == videos),
           "DiT: {} timesteps, {} texts and clean frames of {} videos for {}", timesteps.size(),
           text.layers.at(0).k.size(0), clean_frames.size(), videos);
  std::vector<at::Tensor> velocities;
  for (int64_t i = 0; i < videos; ++i) {
    const auto index = static_cast<size_t>(i);
    std::vector<int64_t> clean;
    if (!clean_frames.empty()) clean = {clean_frames[index]};
    velocities.push_back(ForwardBatch(latents.narrow(0, i, 1), {timesteps[index]}, TextOf(text, i),
                                      attention, runners, clean));
  }
  return at::cat(velocities);
}

int64_t Dit::EdgeChunk(const at::Tensor& rows, int64_t bytes_per_row, ExecutionMode mode) const {
  return mode == ExecutionMode::kInPlace ? ChunkTokens(rows.size(0), bytes_per_row, scratch_bytes_)
                                         : rows.size(0);
}

at::Tensor Dit::Embed(const at::Tensor& latents, ExecutionMode mode,
                      const TokenShard* shard) const {
  const at::Tensor all = Patchify(latents.to(patch_embedding_.weight.options()));
  const at::Tensor tokens = shard ? shard->Part(all) : all;
  const int64_t chunk = EdgeChunk(tokens, 6 * config_.dim, mode);
  return MapRows(tokens, chunk, mode, [&](const at::Tensor& rows, int64_t) {
    return patch_embedding_(rows).to(dtype());
  });
}

at::Tensor Dit::Head(const at::Tensor& x, const at::Tensor& time,
                     const BlockContext& context) const {
  const at::Tensor vectors =
      (head_modulation_ + time.unsqueeze(1)).transpose(0, 1).contiguous();  // (2, K, dim)
  const TokenVectors shift{vectors[0], context.boundary, context.tokens_per_row};
  const TokenVectors multiplier{1 + vectors[1], context.boundary, context.tokens_per_row};
  const LayerNormOptions options{config_.eps, head_.weight.scalar_type()};
  const int64_t chunk = EdgeChunk(x, 8 * config_.dim, context.mode);
  return MapRows(x, chunk, context.mode, [&](const at::Tensor& rows, int64_t first) {
    const int64_t count = rows.size(0);
    return head_(LayerNormModulate(rows, multiplier.Slice(first, count), shift.Slice(first, count),
                                   options, context.mode));
  });
}

}  // namespace t3
