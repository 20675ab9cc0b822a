// A student that is a narrower decoder of the VAE's own shape.
#pragma once

#include <memory>
#include <string>

#include "loading/decoder_file.h"
#include "training/vae/decoder_student.h"

namespace t3 {

// Its file has the teacher's encoder and statistics, so that it replaces the teacher.
class VaeStudent : public DecoderStudent {
 public:
  VaeStudent(const DecoderFile& file, const StudentSettings& settings);

  const TensorMap& leaves() const override { return leaves_; }
  at::Tensor Decode(const TensorMap& weights, const at::Tensor& mu) const override;
  std::unique_ptr<VideoDecoder> Decoder(const TensorMap& weights) const override;
  // Wan2.1_VAE.safetensors, or Wan2.2_VAE.safetensors.
  void Save(const TensorMap& weights, const std::string& folder) const override;

 private:
  Vae Network(const TensorMap& weights) const;

  StudentSettings settings_;
  VaeConfig config_;  // the teacher's with the student's decoder
  TensorMap leaves_;
  TensorMap encoder_;  // the teacher's, fp32
};

}  // namespace t3
