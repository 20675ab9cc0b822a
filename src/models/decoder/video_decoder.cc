// Decoding without a budget.
#include "models/decoder/video_decoder.h"

#include <ATen/ops/cat.h>

#include <limits>
#include <vector>

#include "base/check.h"
#include "models/decoder/frame_assembler.h"

namespace t3 {

void VideoDecoder::Decode(const at::Tensor& latents,
                          const std::function<void(const at::Tensor& frames)>& sink) const {
  CheckLatents(latents);
  T3_CHECK(latents.dim() == 4, "Decode takes one video at a time");
  const Grid grid{latents.size(1), latents.size(2), latents.size(3)};
  FrameAssembler assembler(spatial_stride() * grid.h, sink);
  PlanFor(grid, std::numeric_limits<int64_t>::max())
      .run(latents, [&](const DecodedRows& rows) { assembler.Add(rows); }, {});
}

at::Tensor VideoDecoder::Decode(const at::Tensor& latents) const {
  std::vector<at::Tensor> chunks;
  Decode(latents, [&](const at::Tensor& frames) { chunks.push_back(frames); });
  return at::cat(chunks, 1);
}

}  // namespace t3
