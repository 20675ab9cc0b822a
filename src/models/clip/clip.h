// CLIP: pictures and texts to embeddings whose cosine says how well they fit.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "config/score_networks.h"
#include "models/clip/tower.h"
#include "nn/tensor_map.h"

namespace t3 {

class ClipModel {
 public:
  // `tensors` as in ClipTensors(config), fp32 on one device; they are shared, not copied.
  ClipModel(const ClipConfig& config, const TensorMap& tensors);

  // (B,3,image_size,image_size), normalised by ClipMean and ClipStd, on any device
  // -> (B, embedding), not of unit length. Throws Error for another size.
  at::Tensor EncodeImages(const at::Tensor& images) const;

  // Ids of one text, its start and end included, without padding -> (embedding), the row of the
  // last id. Throws Error for an empty or too long text and for an id outside the vocabulary.
  at::Tensor EncodeText(const std::vector<int32_t>& ids) const;

  const ClipConfig& config() const { return config_; }

 private:
  ClipConfig config_;
  ClipTower image_, text_;
  at::Tensor conv_;                    // (width,3,patch,patch)
  at::Tensor class_embedding_;         // (width)
  at::Tensor image_positions_;         // (patches + 1, width)
  ClipNorm norm_before_, norm_after_;  // of the image tower
  at::Tensor token_embedding_;         // (vocab_size, width)
  at::Tensor text_positions_;          // (context, width)
  ClipNorm text_norm_;
  at::Tensor image_projection_, text_projection_;  // (embedding, width)
};

// Of R, G, B between 0 and 1, as OpenAI published them: (3,1,1).
at::Tensor ClipMean();
at::Tensor ClipStd();

}  // namespace t3
