// The flow loss with the teacher's velocity as its target.
#include "training/distill/guidance.h"

#include <ATen/ATen.h>

#include "training/distill/student_flow.h"

namespace t3 {

GuidanceObjective::GuidanceObjective(DistillNetworks& networks)
    : networks_(networks), timesteps_(networks.config.timesteps) {}

MicroBatchResult GuidanceObjective::ForwardBackward(int64_t step, int64_t micro, double scale) {
  DistillBatch batch = networks_.Get(step, micro);
  NoisyBatch noisy = AddNoise(batch.latents, timesteps_, networks_.RandomOf(step, micro));
  noisy.target = networks_.teacher.Guided(noisy.noisy, noisy.timesteps,
                                          networks_.teacher.Prepare(batch.texts));
  return {StudentFlowBackward(networks_, noisy, batch.texts, scale), std::move(batch.items)};
}

}  // namespace t3
