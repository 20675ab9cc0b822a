// A student of TAEHV's shape.
#pragma once

#include <memory>
#include <string>

#include "loading/decoder_file.h"
#include "training/vae/decoder_student.h"

namespace t3 {

// The decoder of a TAEHV by its formulas, whole sequences at once and differentiable; the streaming
// one (models/taehv) is for inference. tensors: TaehvDecoderTensors, of one float dtype.
// latents (B,z,T,h,w) as the network takes them -> (B,3,4(T-1)+1,H,W), not clamped.
at::Tensor DecodeTaehv(const TaehvConfig& config, const TensorMap& tensors,
                       const at::Tensor& latents);

class TaehvStudent : public DecoderStudent {
 public:
  TaehvStudent(const DecoderFile& file, const StudentSettings& settings);

  const TensorMap& leaves() const override { return leaves_; }
  at::Tensor Decode(const TensorMap& weights, const at::Tensor& mu) const override;
  std::unique_ptr<VideoDecoder> Decoder(const TensorMap& weights) const override;
  // decoder.safetensors.
  void Save(const TensorMap& weights, const std::string& folder) const override;

 private:
  StudentSettings settings_;
  TaehvConfig config_;  // without the encoder, which is not trained
  TensorMap leaves_;
};

}  // namespace t3
