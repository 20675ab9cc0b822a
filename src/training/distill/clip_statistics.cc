// Measures clips and compares the measures.
#include "training/distill/clip_statistics.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kScalars = 3;  // of a packed tensor
constexpr double kTiny = 1e-12;

double Log(double student, double teacher) {
  return std::log((student + kTiny) / (teacher + kTiny));
}

}  // namespace

at::Tensor ClipStatistics::Pack() const {
  return at::cat({mean, contrast, at::tensor({motion, detail, teacher_loss}, at::kDouble)});
}

ClipStatistics ClipStatistics::Unpack(const at::Tensor& packed) {
  const int64_t channels = (packed.size(0) - kScalars) / 2;
  const at::Tensor scalars = packed.narrow(0, 2 * channels, kScalars);
  return {packed.narrow(0, 0, channels), packed.narrow(0, channels, channels),
          scalars[0].item<double>(), scalars[1].item<double>(), scalars[2].item<double>()};
}

ClipStatistics MeasureClips(const std::vector<at::Tensor>& clips) {
  T3_CHECK(!clips.empty(), "there is no clip to measure");
  ClipStatistics sum;
  const double share = 1.0 / static_cast<double>(clips.size());
  for (const at::Tensor& clip : clips) {
    const at::Tensor x = clip.to(at::kFloat);
    const at::Tensor pixels = x.flatten(1);
    const at::Tensor mean = pixels.mean(1).to(at::kCPU, at::kDouble) * share;
    const at::Tensor contrast = pixels.std(1).to(at::kCPU, at::kDouble) * share;
    sum.mean = sum.mean.defined() ? sum.mean + mean : mean;
    sum.contrast = sum.contrast.defined() ? sum.contrast + contrast : contrast;
    if (x.size(1) > 1) {
      const int64_t pairs = x.size(1) - 1;
      const at::Tensor change = x.narrow(1, 1, pairs) - x.narrow(1, 0, pairs);
      sum.motion += share * change.abs().mean().item<double>();
    }
    const at::Tensor frames = x.transpose(0, 1);
    const at::Tensor smooth = at::avg_pool2d(frames, 3, 1, 1, false, /*count_include_pad=*/false);
    sum.detail += share * (frames - smooth).abs().mean().item<double>();
  }
  return sum;
}

GateResult CompareClips(const std::vector<ClipStatistics>& student,
                        const std::vector<ClipStatistics>& teacher) {
  T3_CHECK(student.size() == teacher.size() && !student.empty(),
           "{} batches are to be compared with {}", student.size(), teacher.size());
  double color = 0, contrast = 0, motion = 0, detail = 0, loss = 0;
  const double share = 1.0 / static_cast<double>(student.size());
  for (size_t i = 0; i < student.size(); ++i) {
    const ClipStatistics &s = student[i], &t = teacher[i];
    color += share * ((s.mean - t.mean).abs() / (t.contrast + kTiny)).mean().item<double>();
    contrast += share * ((s.contrast + kTiny) / (t.contrast + kTiny)).log().mean().item<double>();
    motion += share * Log(s.motion, t.motion);
    detail += share * Log(s.detail, t.detail);
    loss += share * Log(s.teacher_loss, t.teacher_loss);
  }
  return {{{"gate_color", color},
           {"gate_contrast", std::exp(contrast)},
           {"gate_motion", std::exp(motion)},
           {"gate_detail", std::exp(detail)},
           {"gate_teacher_loss", std::exp(loss)}},
          color + std::abs(contrast) + std::abs(motion) + std::abs(detail) + std::abs(loss)};
}

}  // namespace t3
