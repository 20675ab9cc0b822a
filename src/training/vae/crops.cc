// Random crops by a counter-based generator.
#include "training/vae/crops.h"

#include <ATen/ops/stack.h>

#include "base/check.h"
#include "training/vae/step_seed.h"

namespace t3 {
namespace {

// Successive draws of one step.
class StepDraws {
 public:
  StepDraws(uint64_t seed, int64_t step) : state_(StepSeed(seed, step, SeedUse::kCrops)) {}
  // Uniform in [0, count). The remainder's bias is count / 2^64.
  int64_t Below(int64_t count) {
    return static_cast<int64_t>(MixBits(state_ + ++draws_) % static_cast<uint64_t>(count));
  }
  double Unit() { return static_cast<double>(MixBits(state_ + ++draws_) >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
  uint64_t draws_ = 0;
};

}  // namespace

bool IsImageBatch(const CropOptions& options, uint64_t seed, int64_t step) {
  return StepDraws(seed, step).Unit() < options.image_share;
}

at::Tensor CropBatch(const std::vector<at::Tensor>& clips, const CropOptions& options,
                     uint64_t seed, int64_t step) {
  T3_CHECK(!clips.empty(), "a batch of crops was asked for without a clip to cut it from");
  StepDraws draws(seed, step);
  const int64_t frames = draws.Unit() < options.image_share ? 1 : options.frames;
  std::vector<at::Tensor> crops;
  for (const at::Tensor& clip : clips) {
    T3_CHECK(clip.dim() == 4 && clip.size(0) == 3 && clip.size(1) >= frames &&
                 clip.size(2) >= options.height && clip.size(3) >= options.width,
             "a clip has shape {}; a crop of {}x{} with {} frames needs (3,F,H,W) at least that "
             "large",
             clip.sizes().vec(), options.width, options.height, frames);
    const int64_t begin = draws.Below(clip.size(1) - frames + 1);
    const int64_t top = draws.Below(clip.size(2) - options.height + 1);
    const int64_t left = draws.Below(clip.size(3) - options.width + 1);
    crops.push_back(clip.narrow(1, begin, frames)
                        .narrow(2, top, options.height)
                        .narrow(3, left, options.width));
  }
  return at::stack(crops);
}

}  // namespace t3
