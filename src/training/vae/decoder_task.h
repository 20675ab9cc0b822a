// The task "vae" with a student: a small decoder learns to decode a VAE's latents.
#pragma once

#include <memory>
#include <string>

#include "training/loop/best_model.h"
#include "training/loop/task.h"
#include "training/vae/clip_source.h"
#include "training/vae/decoder_student.h"
#include "training/vae/vae_config.h"

namespace t3 {

// What Task::Identity gives; `data`: ClipSource::Digest.
nlohmann::json DecoderIdentity(const VaeTrainConfig& config, const VaeFile& teacher,
                               const std::string& data);

// Leaves: the student's.
class DecoderTask : public Task {
 public:
  // config.student is given. Loads teacher and student; throws Error as loading does.
  DecoderTask(const VaeTrainConfig& config, const VaeFile& teacher,
              std::unique_ptr<ClipSource> source, at::ScalarType dtype, at::Device device);

  const TensorMap& leaves() const override { return student_->leaves(); }
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override;
  // The student's file, and decoder.json with PSNR and detail on held-out clips.
  void SaveModel(const TensorMap& weights, const std::string& folder) const override;
  nlohmann::json Identity() const override { return identity_; }

  // For TrainHooks::gate, over all held-out clips: `gate_detail`, the energy of the finest band
  // over the clip's, `gate_error`, the RMS difference in units of the clip's contrast, and their
  // mean PSNR. The score is |log gate_detail| + gate_error.
  GateResult Gate(const TensorMap& weights) const;

 private:
  VaeTrainConfig config_;
  std::unique_ptr<ClipSource> source_;
  Vae teacher_;
  std::unique_ptr<DecoderStudent> student_;
  nlohmann::json identity_;
};

}  // namespace t3
