// A small decoder in training, whatever its shape.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "models/decoder/video_decoder.h"
#include "nn/tensor_map.h"
#include "training/vae/vae_task.h"

namespace t3 {

class DecoderStudent {
 public:
  virtual ~DecoderStudent() = default;
  // fp32 leaves by the original names.
  virtual const TensorMap& leaves() const = 0;
  // mu (B,z,T,h,w), the teacher's latents, not normalised -> frames (B,3,F,H,W), not clamped, fp32.
  // Differentiable with respect to `weights`, which have the names of the leaves.
  virtual at::Tensor Decode(const TensorMap& weights, const at::Tensor& mu) const = 0;
  // For inference with such weights.
  virtual std::unique_ptr<VideoDecoder> Decoder(const TensorMap& weights) const = 0;
  // Writes the file that other commands take. Throws Error when it cannot be written.
  virtual void Save(const TensorMap& weights, const std::string& folder) const = 0;
};

// What the students share.
struct StudentSettings {
  VaeFile teacher;
  at::ScalarType dtype;  // of the computation
  at::ScalarType saved;  // of the file
  at::Device device;
};

}  // namespace t3
