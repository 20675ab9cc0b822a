// What turns latents into frames, whichever network it is.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/geometry.h"
#include "models/decoder/decoded_rows.h"
#include "plan/decode_plan.h"

namespace t3 {

// Called between work items of well under a second; may throw to stop.
using PollFn = std::function<void()>;

// What rank 0 gets of a decode that ranks share.
struct SharedRows {
  // What every rank makes of its rows before it sends them (pipeline/row_format.h); "": nothing.
  std::string format;
  // Gets, as `run`'s sink, every row of every frame once, top to bottom within a call: pixels
  // (3,n,h,W), or samples (n,bytes); the first of their frames; their rows of the made video.
  std::function<void(const at::Tensor& made, int64_t frame, const RowRange& rows)> sink;
  // The time since the last lap was spent on `part` (Stage::Lap).
  std::function<void(std::string_view part)> lap;
};

// A decode of latents of one grid, worked out for a memory budget.
struct PlannedDecode {
  DecodeOrder order = DecodeOrder::kFramesOuter;
  int64_t bytes = 0;        // beside weights and latents
  std::string description;  // for reports
  // latents (z,T,h,w) of the grid in model space, of any float dtype and device. `sink` gets every
  // row of every frame once: with kFramesOuter frame by frame, with kSlabsOuter slab by slab, each
  // through all frames. `poll` may be empty. An exception from either stops the run. Only while the
  // decoder lives.
  std::function<void(const at::Tensor& latents, const RowSink& sink, const PollFn& poll)> run;
  // The same on rank 0 of a decode that ranks share; else empty.
  std::function<void(const at::Tensor& latents, const SharedRows& rows, const PollFn& poll)>
      run_shared = {};
  // Of a part (PlanPart): rows of pixels of each call of `sink`, in order.
  std::vector<RowRange> calls = {};
};

class VideoDecoder {
 public:
  virtual ~VideoDecoder() = default;

  // The fastest decode of latents of this grid within `budget` bytes. Throws Error if none fits.
  virtual PlannedDecode PlanFor(const Grid& latent, int64_t budget) const = 0;
  // The same of part `part` of `parts` of the rows, which several processes decode: `sink` gets the
  // part's rows, and the calls of all parts correspond one to one, with the same frames. nullopt
  // where this decoder is not worth sharing.
  virtual std::optional<PlannedDecode> PlanPart(const Grid& /*latent*/, int64_t /*budget*/,
                                                int64_t /*part*/, int64_t /*parts*/) const {
    return std::nullopt;
  }
  // Pixels a latent has on each axis.
  virtual int64_t spatial_stride() const = 0;
  // Throws Error unless they are latents, (z,T,h,w) or with a batch in front, of this decoder.
  virtual void CheckLatents(const at::Tensor& latents) const = 0;

  // latents (z,T,h,w) in model space -> 4(T-1)+1 frames of (stride*h, stride*w), without a budget.
  // Calls `sink` with consecutive frames (3,n,H,W), n at most 4: float32 in [-1,1], contiguous, on
  // the model's device. An exception from `sink` stops. Wrong shapes throw Error.
  void Decode(const at::Tensor& latents,
              const std::function<void(const at::Tensor& frames)>& sink) const;
  // All of it at once, (3,F,H,W).
  at::Tensor Decode(const at::Tensor& latents) const;

 protected:
  VideoDecoder() = default;
  VideoDecoder(const VideoDecoder&) = default;
  VideoDecoder& operator=(const VideoDecoder&) = default;
};

}  // namespace t3
