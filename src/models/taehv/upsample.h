// What follows a stage's blocks: twice the rows and columns, and more frames.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "arch/taehv.h"
#include "models/decoder/video_decoder.h"
#include "nn/tensor_map.h"
#include "plan/taehv_shapes.h"

namespace t3 {

class TaehvUpsample {
 public:
  virtual ~TaehvUpsample() = default;
  // x (1,rows of shapes.source,W,C), contiguous: a frame of the blocks' output. `copy` of the
  // frames that it becomes, rows shapes.output of it, into `out`.
  virtual void operator()(const at::Tensor& x, int64_t copy, const TaehvUpShapes& shapes,
                          const at::Tensor& out, const PollFn& poll) const = 0;
};

// Takes the stage's `conv` and `grow`; of `grow` the last channels, where the file has more than
// the stage's frames need.
std::unique_ptr<TaehvUpsample> MakeTaehvUpsample(TaehvBlocks kind, const TensorMap& tensors,
                                                 const TaehvStage& stage);

}  // namespace t3
