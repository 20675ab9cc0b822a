// The denoiser: latents and a timestep to a velocity (model.md 1).
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/model_config.h"
#include "models/dit/attention_layout.h"
#include "models/dit/block.h"
#include "models/dit/block_stream.h"
#include "models/dit/host_weights.h"
#include "models/dit/text_embedding.h"
#include "models/dit/time_embedding.h"
#include "nn/tensor_map.h"

namespace t3 {

// Prompts as every layer's cross-attention sees them; computed once, used at every step.
struct TextContext {
  std::vector<TextKeys> layers;
  // (B, rows) fp32 added to the logits, or undefined. The padded rows up to text_len are all equal,
  // so a few of them with raised logits stand for all (models/dit/text_rows.h): with short prompts
  // the attention is ten times smaller. All are there if the attention kernel takes no bias; 512
  // rows are 1 % of a forward on a GPU.
  at::Tensor bias;
};

// Called with each layer's output, in order: "patch_embedding", "blocks.0", ..., "head".
using LayerWatch = std::function<void(const std::string& layer, const at::Tensor& output)>;

// A function of its weights: built from a map with the original names (arch/dit.h),
// whose tensors may be leaves that require gradients, or results that do (LoRA); building is then
// cheap. Weights share the map's memory, except q, k, v, which are packed unless they are trained,
// so drop the map after building.
//
// With an attention that is shared by ranks, each computes its tokens and has all of the result.
//
// Forward and ForwardBoth run in place, without gradients: memory is reused and custom kernels are
// used. ForwardBatch is differentiable (ops/execution_mode.h).
//
// Rounding in bf16: weights, the residual stream and the inputs of GEMMs and attention are bf16;
// latents, patch embedding, time MLP, modulation, head and every elementwise chain are fp32, with
// one rounding at the end of a chain.
class Dit {
 public:
  // Dtype and device are those of the weights. Throws Error that names a missing tensor.
  Dit(const DitConfig& config, const TensorMap& tensors);
  // The same with the blocks' weights in host memory, filled: each is copied one ahead of its use
  // to one of two buffers on the device of `tensors` (the others), and converted if it is stored in
  // another dtype than they are (models/dit/block_stream.h). The results have the same bits as with
  // all blocks on the device. Not for ForwardBatch. Copies of this Dit share the buffers.
  Dit(const DitConfig& config, const TensorMap& tensors, std::shared_ptr<const HostWeights> host);

  // For Forward and ForwardBoth. embeds (L, text_dim), 1 <= L <= text_len, any float dtype and
  // device: the encoder's rows up to the true length. Throws Error for other shapes.
  TextContext PrepareText(const at::Tensor& embeds) const;
  // For a forward in `mode`, one text per video.
  TextContext PrepareTexts(const std::vector<at::Tensor>& embeds, ExecutionMode mode) const;
  // The same from one tensor (videos, longest, text_dim) with zeros after each text's `lengths`
  // rows.
  TextContext PrepareTexts(const at::Tensor& padded, const std::vector<int64_t>& lengths,
                           ExecutionMode mode) const;

  // latents (z,T,h,w) fp32 on the device of the weights, h and w even -> velocity (z,T,h,w) fp32.
  // timestep in [0, 1000]. The first `clean_frames` latent frames have timestep 0 (image to video:
  // 1; otherwise 0). `watch` is for diagnosis. Throws Error if shapes do not match.
  at::Tensor Forward(const at::Tensor& latents, double timestep, int64_t clean_frames,
                     const TextContext& text, const AttentionLayout& attention,
                     const LayerWatch& watch = {}) const;

  // Forward for two texts, which share what does not depend on the text: the embeddings and the
  // first self-attention. Its result is held in the scratch memory meanwhile; if that would be more
  // than half of it, nothing is shared.
  std::array<at::Tensor, 2> ForwardBoth(const at::Tensor& latents, double timestep,
                                        int64_t clean_frames,
                                        const std::array<const TextContext*, 2>& texts,
                                        const AttentionLayout& attention) const;

  // A batch, differentiable: latents (B,z,T,h,w), one timestep per video, texts (kDifferentiable)
  // and attention of B videos -> velocities (B,z,T,h,w) fp32. The first clean_frames[i] latent
  // frames of video i have timestep 0; {}: none have. Runners may run segments until the backward
  // pass is over, so `attention` must live as long; this Dit need not. With an attention that ranks
  // share, which is of one video, the videos pass one after the other.
  at::Tensor ForwardBatch(const at::Tensor& latents, const std::vector<double>& timesteps,
                          const TextContext& text, const AttentionLayout& attention,
                          const SegmentRunners& runners = {},
                          const std::vector<int64_t>& clean_frames = {}) const;

  const DitConfig& config() const { return config_; }
  at::Device device() const { return text_.weight().device(); }
  at::ScalarType dtype() const { return text_.weight().scalar_type(); }

  // Bound of the temporaries of a stage, besides x and q|k|v (N x 4 dim). Default:
  // DenoiserScratchBytes.
  void set_scratch_bytes(int64_t bytes) {
    scratch_bytes_ = bytes;
    if (bf16_) bf16_->set_scratch_bytes(bytes);
  }

  // The same network without e4m3 weights, for the steps that must not be in fp8; this one if none
  // was set. What PrepareText gives holds for both.
  const Dit& bf16() const { return bf16_ ? *bf16_ : *this; }
  void set_bf16(std::shared_ptr<Dit> dit) { bf16_ = std::move(dit); }

 private:
  Dit(const DitConfig& config, const TensorMap& tensors, bool with_blocks);
  // ForwardBatch of each video alone.
  at::Tensor ForwardEach(const at::Tensor& latents, const std::vector<double>& timesteps,
                         const TextContext& text, const AttentionLayout& attention,
                         const SegmentRunners& runners,
                         const std::vector<int64_t>& clean_frames) const;
  // Block i, ready for work on the current stream until the next call.
  const DitBlock& Block(int64_t i) const;
  // The state of a forward.
  struct Pass {
    at::Tensor x;  // (tokens, dim)
    TimeVectors time;
    BlockContext context;
  };
  // Up to the first self-attention, which is not reported to `watch`.
  Pass Begin(const at::Tensor& latents, double timestep, int64_t clean_frames,
             const TextContext& text, const AttentionLayout& attention,
             const LayerWatch& watch) const;
  // From there on.
  at::Tensor End(Pass& pass, const TextContext& text, const AttentionLayout& attention,
                 const LayerWatch& watch) const;
  // Rows per chunk of the embedding and the head.
  int64_t EdgeChunk(const at::Tensor& rows, int64_t bytes_per_row, ExecutionMode mode) const;
  // Of the rank's tokens.
  at::Tensor Embed(const at::Tensor& latents, ExecutionMode mode, const TokenShard* shard) const;
  // x (tokens, dim) and the timesteps' head vectors (K, dim), which tokens take as in `context`.
  at::Tensor Head(const at::Tensor& x, const at::Tensor& time, const BlockContext& context) const;

  DitConfig config_;
  Linear patch_embedding_;  // fp32, (dim, 4z): inputs in the order (c, dh, dw)
  TextEmbedding text_;
  TimeEmbedding time_;
  std::vector<DitBlock> blocks_;  // all, or one per buffer of `stream_`
  std::shared_ptr<const HostWeights> host_;
  std::shared_ptr<BlockStream> stream_;
  Linear head_;                 // fp32, (4z, dim): outputs in the order (dh, dw, c)
  at::Tensor head_modulation_;  // (1, 2, dim) fp32
  int64_t scratch_bytes_;
  std::shared_ptr<Dit> bf16_;
};

}  // namespace t3
