// Encodes with the teacher, decodes with the student, compares.
#include "training/vae/decoder_task.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "arch/vae.h"
#include "base/atomic_file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "loading/decoder_file.h"
#include "nn/load.h"
#include "training/loop/weights_identity.h"
#include "training/vae/decoder_report.h"
#include "training/vae/open_student.h"

namespace t3 {
namespace {

Vae LoadTeacher(const VaeFile& file, at::ScalarType dtype, at::Device device) {
  LoadOptions options;
  options.device = device;
  options.dtype = dtype;
  return {file.config, LoadTensors(file.views, VaeTensors(file.config),
                                   VaeNaming(file.config.version), options)};
}

// Means over clips; the ratio's is geometric.
DecodedClip MeanOf(const std::vector<DecodedClip>& clips) {
  DecodedClip mean;
  const double share = 1.0 / static_cast<double>(clips.size());
  for (const DecodedClip& clip : clips) {
    mean.psnr += share * clip.psnr;
    mean.error += share * clip.error;
    mean.detail += share * std::log(clip.detail);
  }
  mean.detail = std::exp(mean.detail);
  return mean;
}

}  // namespace

nlohmann::json DecoderIdentity(const VaeTrainConfig& config, const VaeFile& teacher,
                               const std::string& data) {
  nlohmann::json identity = VaeIdentity(teacher, data);
  const DecoderFile student =
      OpenDecoderFile(config.student->decoder, "`student.decoder`", nullptr);
  AddWeights("student", student.views, &identity);
  return identity;
}

DecoderTask::DecoderTask(const VaeTrainConfig& config, const VaeFile& teacher,
                         std::unique_ptr<ClipSource> source, at::ScalarType dtype,
                         at::Device device)
    : config_(config),
      source_(std::move(source)),
      teacher_(LoadTeacher(teacher, dtype, device)),
      student_(OpenDecoderStudent(
          config.student->decoder,
          {teacher, dtype, config.save_dtype == "bf16" ? at::kBFloat16 : at::kFloat, device})),
      identity_(DecoderIdentity(config, teacher, source_->Digest())) {}

MicroBatchResult DecoderTask::ForwardBackward(int64_t step, int64_t micro, double scale) {
  ClipBatch batch = source_->Get(step, micro);
  at::Tensor mu, target = batch.video;
  {
    const c10::NoGradGuard no_grad;
    mu = teacher_.EncodeMoments(batch.video).narrow(1, 0, teacher_.config().latent_channels);
    if (config_.student->teacher_frames) target = teacher_.DecodeUnclamped(mu).clamp(-1, 1);
  }
  const VaeLossResult loss =
      FrameLoss(student_->Decode(student_->leaves(), mu), target, config_.loss);
  (loss.total * scale).backward();
  // A batch of single frames does not reach everything that makes several of one.
  for (const auto& [name, leaf] : student_->leaves()) {
    if (!leaf.grad().defined()) leaf.mutable_grad() = at::zeros_like(leaf.detach());
  }
  return {loss.total.detach(), std::move(batch.items)};
}

GateResult DecoderTask::Gate(const TensorMap& weights) const {
  const auto decoder = student_->Decoder(weights);
  std::vector<DecodedClip> clips;
  for (const ClipSet& set : source_->HeldOut()) {
    const std::vector<DecodedClip> measured = MeasureDecoder(teacher_, *decoder, set);
    clips.insert(clips.end(), measured.begin(), measured.end());
  }
  const DecodedClip mean = MeanOf(clips);
  return {{{"gate_detail", mean.detail}, {"gate_error", mean.error}, {"psnr", mean.psnr}},
          std::abs(std::log(mean.detail)) + mean.error};
}

void DecoderTask::SaveModel(const TensorMap& weights, const std::string& folder) const {
  std::filesystem::create_directories(folder);
  student_->Save(weights, folder);
  const auto decoder = student_->Decoder(weights);
  nlohmann::ordered_json report;
  for (const ClipSet& set : source_->HeldOut()) {
    const std::vector<DecodedClip> clips = MeasureDecoder(teacher_, *decoder, set);
    const DecodedClip mean = MeanOf(clips);
    const auto lower = [](const auto& a, const auto& b) { return a.psnr < b.psnr; };
    report[set.name] = {{"clips", set.clips},
                        {"psnr", mean.psnr},
                        {"min_psnr", std::ranges::min_element(clips, lower)->psnr},
                        {"detail", mean.detail}};
    spdlog::info("{}: PSNR {:.2f} dB, detail {:.3f} of the truth's over {}", set.name, mean.psnr,
                 mean.detail, Counted(set.clips, "held-out clip"));
  }
  WriteAtomically((std::filesystem::path(folder) / "decoder.json").string(),
                  DumpJson(report, 2) + "\n");
}

}  // namespace t3
