// Frames from a device to the thread that writes them.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>

#include "media/queued_writer.h"
#include "plan/geometry.h"
#include "runtime/stage.h"

namespace t3 {

// Laps of `stage` say what a frame takes (pipeline/decode_laps.h). Both wait for room in the
// writer's queue, and meanwhile call `poll`.
class FrameQueue {
 public:
  FrameQueue(QueuedWriter& writer, const VideoGeometry& geometry, Stage& stage,
             std::function<void()> poll);

  // (3,height,width) fp32. On a GPU it is made into the file's samples, where the file has planar
  // YUV; on a CPU that is left to the writer's thread.
  void Write(const at::Tensor& frame);
  // Such samples, uint8 (PlanarSamples).
  void WriteSamples(const at::Tensor& samples);

 private:
  QueuedFrame CopyToHost(const at::Tensor& frame) const;
  void Queue(const at::Tensor& frame);

  QueuedWriter& writer_;
  const VideoGeometry& geometry_;
  Stage& stage_;
  std::function<void()> poll_;
  std::optional<PlanarFormat> planar_;
};

}  // namespace t3
