// Weights of the loss where the world's objects are.
#include "training/dit/object_weights.h"

#include <ATen/ATen.h>

#include "world/world.h"

namespace t3 {

at::Tensor ObjectWeights(std::span<const WorldScene> scenes, const WorldLatentSize& size,
                         const at::Tensor& latents, double weight) {
  const int64_t t = latents.size(2), h = latents.size(3), w = latents.size(4);
  // Objects are drawn at the size of the latents, so pixels are latents.
  const WorldView view{.width = w, .height = h, .frames = size.frames};
  const at::Tensor cover = ObjectCover(scenes, view, latents.device());
  // The first latent frame is the first frame, each other one is of several.
  at::Tensor by_latent = cover.narrow(1, 0, 1);
  if (t > 1) {
    const at::Tensor rest = cover.narrow(1, 1, size.frames - 1).unflatten(1, {t - 1, -1});
    by_latent = at::cat({by_latent, rest.amax(2)}, 1);
  }
  const at::Tensor near = at::max_pool3d((by_latent > 0).to(at::kFloat).unsqueeze(1), 3, 1, 1);
  const at::Tensor weights = 1 + near * (weight - 1);
  return weights / weights.mean({1, 2, 3, 4}, /*keepdim=*/true);
}

}  // namespace t3
