// Latents to frames to a file.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "media/queued_writer.h"
#include "models/decoder/video_decoder.h"
#include "pipeline/decode_target.h"
#include "plan/geometry.h"
#include "runtime/stage.h"

namespace t3 {

// Throws Error where the target is a tensor file, whose video is in host memory as a whole, and
// that has no room for it. `host_limit`: bytes that may be used of it; 0: what is free.
void CheckVideoFits(const DecodeTarget& target, const RunContext& context, int64_t host_limit);

// Bytes that decoding, or encoding an image, may take on the device in addition to the weights,
// which are already loaded.
int64_t DecodeBudget(const RunContext& context);

// Decodes latents (z,T,h,w) within DecodeBudget and writes the frames, cropped to the requested
// size, up to geometry.frames: video files, pictures and sinks frame by frame on a thread of their
// own, .safetensors as tensor `video` (3,frames,height,width) fp32 in [-1,1]. Where the budget
// takes slabs, rows wait in a spool file beside the output first. Advances `stage` by frames.
// Nothing is left under the final name unless it is complete. Returns the writer's notes.
std::vector<std::string> DecodeToFile(const VideoDecoder& decoder, const at::Tensor& latents,
                                      const DecodeTarget& target, Stage& stage);

// The same frames into a writer that is open already, and finishes it. `target.output` is not a
// tensor file; a spool file lies beside it.
void DecodeInto(QueuedWriter& writer, const VideoDecoder& decoder, const at::Tensor& latents,
                const DecodeTarget& target, Stage& stage);

// The same frames, (3,frames,height,width) fp32 in [-1,1] on the stage's device.
at::Tensor DecodeToTensor(const VideoDecoder& decoder, const at::Tensor& latents,
                          const VideoGeometry& geometry, Stage& stage);

}  // namespace t3
