// A source clip to latents.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "pipeline/ranks/shared_encoder.h"
#include "pipeline/source_clip.h"
#include "plan/segments.h"
#include "runtime/stage.h"

namespace t3 {

// Latent frames that precede those of a window and are discarded: the encoder is causal and knows
// earlier frames. Of the shipped VAE's latents the first frame after a warm-up of 4 differs from
// that of the whole clip by 16 %, of 8 by 1 % and of 10 by 0.15 % (relative L2).
inline constexpr int64_t kEncoderWarmUp = 10;

// The windows that a clip of `frames` latent frames is encoded in: each of at most `window` latent
// frames, of which the first kEncoderWarmUp are warm-up in all but the first window.
std::vector<ClipSegment> EncodeWindows(int64_t frames, int64_t window);

// Encodes the clip to `latent_frames` latents (z,T,h,w) fp32 in model space, on the host. Where the
// plan reads a window's frames once per slab, they wait in 16 bits: on a GPU that has the memory,
// else in a spool file in `folder`. Memory and disk are bounded by one window: longer clips are
// encoded window by window. Advances `stage` by frames, and times reading them as a part of it.
at::Tensor EncodeClip(const ClipEncoder& encoder, const SourceClip& clip, int64_t latent_frames,
                      int64_t window, const std::string& folder, Stage& stage);

}  // namespace t3
