// Decodes and compares.
#include "training/vae/decoder_report.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "measure/clip_measures.h"
#include "training/vae/psnr.h"

namespace t3 {

std::vector<DecodedClip> MeasureDecoder(const Vae& teacher, const VideoDecoder& decoder,
                                        const ClipSet& clips) {
  const c10::NoGradGuard no_grad;
  constexpr double kTiny = 1e-12;
  std::vector<DecodedClip> measured;
  for (int64_t i = 0; i < clips.clips; ++i) {
    const at::Tensor video = clips.clip(i).to(at::kFloat);
    const at::Tensor decoded = decoder.Decode(teacher.Encode(video)).to(video.device());
    const double error = (decoded - video).square().mean().sqrt().item<double>();
    measured.push_back({Psnr(decoded, video),
                        (DetailEnergy(decoded) + kTiny) / (DetailEnergy(video) + kTiny),
                        error / (video.std().item<double>() + kTiny)});
  }
  return measured;
}

}  // namespace t3
