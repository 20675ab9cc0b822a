// Weights of the loss where the world's objects are.
#include "training/dit/object_weights.h"

#include <ATen/ATen.h>

#include "world/world.h"

namespace t3 {

at::Tensor NearObjects(std::span<const WorldScene> scenes, int64_t frames,
                       const at::Tensor& latents) {
  const int64_t t = latents.size(2);
  // Objects are drawn at the size of the latents, so pixels are latents.
  const WorldView view{.width = latents.size(4), .height = latents.size(3), .frames = frames};
  const at::Tensor cover = ObjectCover(scenes, view, latents.device());
  // The first latent frame is the first frame, each other one is of several.
  at::Tensor by_latent = cover.narrow(1, 0, 1);
  if (t > 1) {
    const at::Tensor rest = cover.narrow(1, 1, frames - 1).unflatten(1, {t - 1, -1});
    by_latent = at::cat({by_latent, rest.amax(2)}, 1);
  }
  return at::max_pool3d(by_latent.unsqueeze(1), 3, 1, 1) > 0;
}

at::Tensor ObjectWeights(const at::Tensor& near, double weight) {
  const at::Tensor weights = 1 + near.to(at::kFloat) * (weight - 1);
  return weights / weights.mean({1, 2, 3, 4}, /*keepdim=*/true);
}

}  // namespace t3
