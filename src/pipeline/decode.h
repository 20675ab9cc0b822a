// Latents to frames to a file.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "media/queued_writer.h"
#include "models/decoder/video_decoder.h"
#include "pipeline/source_clip.h"
#include "plan/geometry.h"
#include "runtime/stage.h"
#include "t3video/request.h"
#include "weights/types.h"

namespace t3 {

// Where frames go: to output.path, or to output.sink.
struct DecodeTarget {
  OutputOptions output;
  VideoGeometry geometry;
  double fps = 16;
  Metadata metadata;
  std::string audio_from = {};  // file whose audio the video carries; empty: none
  // Clip of the generated size whose low frequencies the frames take; nullptr: none.
  std::shared_ptr<const SourceClip> colors = {};
};

// Whether `path` names a safetensors file.
inline bool IsTensorFile(const std::string& path) { return path.ends_with(".safetensors"); }

// Throws Error of kind kUsage for frames per second that are not above 0 and at most 1000.
void CheckFps(double fps);

// Throws what writing would throw for a bad extension, encoder, size or folder; leaves nothing.
void CheckDecodeTarget(const DecodeTarget& target);

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
// Nothing is left under the final name unless it is complete.
void DecodeToFile(const VideoDecoder& decoder, const at::Tensor& latents,
                  const DecodeTarget& target, Stage& stage);

// The same frames into a writer that is open already, and finishes it. `target.output` is not a
// tensor file; a spool file lies beside it.
void DecodeInto(QueuedWriter& writer, const VideoDecoder& decoder, const at::Tensor& latents,
                const DecodeTarget& target, Stage& stage);

// Where frames wait on disk: beside the output, where there is room for the video; a sink has no
// place of its own.
std::string SpoolFolder(const std::string& output);

// What the writer of a decode is opened with.
VideoSettings SettingsOf(const DecodeTarget& target);

// The same frames, (3,frames,height,width) fp32 in [-1,1] on the stage's device.
at::Tensor DecodeToTensor(const VideoDecoder& decoder, const at::Tensor& latents,
                          const VideoGeometry& geometry, Stage& stage);

}  // namespace t3
