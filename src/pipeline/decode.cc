// The decode stage.
#include "pipeline/decode.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "media/video_writer.h"
#include "pipeline/tensor_file.h"

namespace t3 {
namespace {

VideoSettings SettingsOf(const DecodeTarget& target) {
  VideoSettings settings;
  settings.width = target.geometry.width;
  settings.height = target.geometry.height;
  settings.fps = target.fps;
  settings.codec = target.file.codec;
  settings.crf = target.file.crf;
  settings.pixel_format = target.file.pixel_format;
  // One entry that every container keeps: players show `comment`, programs parse it.
  if (!target.metadata.empty())
    settings.metadata["comment"] = nlohmann::json(target.metadata).dump();
  return settings;
}

// The central part that was asked for, of frames (3,n,H,W), on the CPU.
at::Tensor Cropped(const at::Tensor& frames, const VideoGeometry& geometry) {
  return frames.narrow(2, geometry.crop_y, geometry.height)
      .narrow(3, geometry.crop_x, geometry.width)
      .to(at::kCPU, at::kFloat)
      .contiguous();
}

FrameView ViewOf(const at::Tensor& frames, int64_t index) {
  FrameView view;
  view.height = frames.size(2);
  view.width = frames.size(3);
  view.row_stride = view.width;
  for (int64_t c = 0; c < 3; ++c) {
    view.planes[c] =
        frames.const_data_ptr<float>() + (c * frames.size(1) + index) * view.height * view.width;
  }
  return view;
}

void WriteVideo(const Vae& vae, const at::Tensor& latents, const DecodeTarget& target,
                Stage& stage) {
  const std::unique_ptr<VideoWriter> writer = OpenVideoWriter(target.output, SettingsOf(target));
  int64_t written = 0;
  vae.Decode(latents, [&](const at::Tensor& chunk) {
    const at::Tensor frames = Cropped(chunk, target.geometry);
    for (int64_t i = 0; i < frames.size(1); ++i) writer->Write(ViewOf(frames, i));
    written += frames.size(1);
    stage.Advance(written);
  });
  writer->Finish();
}

void WriteTensor(const Vae& vae, const at::Tensor& latents, const DecodeTarget& target,
                 Stage& stage) {
  const VideoGeometry& geometry = target.geometry;
  const at::Tensor video =
      at::empty({3, geometry.frames, geometry.height, geometry.width}, at::kFloat);
  int64_t written = 0;
  vae.Decode(latents, [&](const at::Tensor& chunk) {
    video.narrow(1, written, chunk.size(1)).copy_(Cropped(chunk, geometry));
    written += chunk.size(1);
    stage.Advance(written);
  });
  SaveTensors(target.output, {{"video", video}}, target.metadata);
}

}  // namespace

bool IsTensorFile(const std::string& path) { return path.ends_with(".safetensors"); }

void CheckDecodeTarget(const DecodeTarget& target) {
  if (IsTensorFile(target.output)) {
    const AtomicFile writable(target.output);
    return;
  }
  CheckVideoTarget(target.output, SettingsOf(target));
}

void DecodeToFile(const Vae& vae, const at::Tensor& latents, const DecodeTarget& target,
                  Stage& stage) {
  const c10::NoGradGuard no_grad;
  if (IsTensorFile(target.output)) {
    WriteTensor(vae, latents, target, stage);
  } else {
    WriteVideo(vae, latents, target, stage);
  }
}

}  // namespace t3
