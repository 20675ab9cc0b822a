// Copies that only begin here, and are waited for on the writer's thread.
#include "pipeline/frame_queue.h"

#include <ATen/ops/empty.h>

#include <memory>
#include <utility>

#include "pipeline/decode_laps.h"
#include "pipeline/planar_samples.h"
#include "runtime/device.h"

namespace t3 {
namespace {

FrameView ViewOf(const at::Tensor& frame) {  // (3,h,w), contiguous
  FrameView view;
  view.height = frame.size(1);
  view.width = frame.size(2);
  view.row_stride = view.width;
  for (int64_t c = 0; c < 3; ++c) {
    view.planes[c] = frame.const_data_ptr<float>() + c * view.height * view.width;
  }
  return view;
}

}  // namespace

FrameQueue::FrameQueue(QueuedWriter& writer, const VideoGeometry& geometry, Stage& stage,
                       std::function<void()> poll)
    : writer_(writer),
      geometry_(geometry),
      stage_(stage),
      poll_(std::move(poll)),
      planar_(writer.planar()) {}

void FrameQueue::Write(const at::Tensor& frame) {
  Queue(planar_ && frame.is_cuda() ? PlanarSamples(frame, *planar_) : frame);
}

void FrameQueue::WriteSamples(const at::Tensor& samples) { Queue(samples); }

void FrameQueue::Queue(const at::Tensor& frame) {
  stage_.Lap(laps::kConverting);
  QueuedFrame queued = CopyToHost(frame);
  stage_.Lap(laps::kCopying);
  writer_.Write(std::move(queued), poll_);
  stage_.Lap(laps::kFile);
}

QueuedFrame FrameQueue::CopyToHost(const at::Tensor& frame) const {
  QueuedFrame queued;
  at::Tensor host;
  if (frame.is_cuda()) {
    host = at::empty(frame.sizes(), at::TensorOptions(frame.dtype()).pinned_memory(true));
    host.copy_(frame, /*non_blocking=*/true);
    queued.wait = WhenDone(frame.device());
  } else {
    host = frame.contiguous();
  }
  queued.owner = std::make_shared<at::Tensor>(host);
  if (host.dim() == 3) {
    queued.view = ViewOf(host);
  } else {
    queued.samples = PlanesIn(host.const_data_ptr<uint8_t>(), planar_->Layout(), geometry_.width,
                              geometry_.height);
  }
  return queued;
}

}  // namespace t3
