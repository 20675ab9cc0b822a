// CLIP with its tokenizer, opened once for the groups that use it.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "media/image.h"
#include "models/clip/clip.h"
#include "tokenizer/clip_tokenizer.h"

namespace t3 {

// The centre of a picture as CLIP sees it: the shorter side resized to `side` (Pillow's bicubic
// filter), a square cut from the middle, (3,side,side) fp32, normalised. As torchvision's
// transforms of a Pillow picture.
at::Tensor ClipView(const Image& picture, int64_t side);

class ClipNetwork {
 public:
  // The network of the file `path` with what FindClipFiles finds beside it; the one that another
  // group holds, where there is one. Throws Error.
  static std::shared_ptr<const ClipNetwork> Open(const std::string& path, c10::Device device);

  // Rows of unit length on the CPU: (B, embedding) of views, (embedding) of a text.
  at::Tensor Images(const std::vector<at::Tensor>& views) const;
  at::Tensor Text(const std::string& prompt) const;

  const ClipConfig& config() const { return clip_.config(); }

 private:
  ClipNetwork(ClipModel clip, ClipTokenizer tokenizer)
      : clip_(std::move(clip)), tokenizer_(std::move(tokenizer)) {}

  ClipModel clip_;
  ClipTokenizer tokenizer_;
};

}  // namespace t3
