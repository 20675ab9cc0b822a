// The flow loss with the teacher's velocity as its target.
#include "training/distill/guidance.h"

#include <ATen/ATen.h>

#include "training/distill/captioned_dit.h"

namespace t3 {

GuidanceObjective::GuidanceObjective(DistillNetworks& networks)
    : networks_(networks), timesteps_(networks.config.timesteps) {}

MicroBatchResult GuidanceObjective::ForwardBackward(int64_t step, int64_t micro, double scale) {
  DistillBatch batch = networks_.Get(step, micro);
  NoisyBatch noisy = AddNoise(batch.latents, timesteps_, networks_.RandomOf(step, micro));
  noisy.target = networks_.teacher.Guided(noisy.noisy, noisy.timesteps,
                                          networks_.teacher.Prepare(batch.texts));
  // Recomputed segments use both again in the backward pass.
  const Dit student = networks_.student.Model(networks_.student.leaves());
  const CaptionedDit captioned(student, batch.texts);
  const at::Tensor velocity = captioned.Velocity(
      noisy.noisy, noisy.timesteps, networks_.attention.For(noisy.noisy), networks_.runners);
  const at::Tensor loss = FlowLoss(velocity, noisy);
  (loss * scale).backward();
  return {loss.detach(), std::move(batch.items)};
}

}  // namespace t3
