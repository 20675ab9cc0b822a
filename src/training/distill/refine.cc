// The flow loss on the path from drafts to clips.
#include "training/distill/refine.h"

#include <ATen/ATen.h>

#include "training/distill/student_flow.h"

namespace t3 {

RefineObjective::RefineObjective(DistillNetworks& networks)
    : networks_(networks),
      timesteps_(networks.config.timesteps),
      start_level_(networks.config.start_level()) {}

MicroBatchResult RefineObjective::ForwardBackward(int64_t step, int64_t micro, double scale) {
  DistillBatch batch = networks_.Get(step, micro);
  NoisyBatch noisy = AddNoiseFromDrafts(batch.latents, {batch.drafts, start_level_}, timesteps_,
                                        networks_.RandomOf(step, micro));
  if (networks_.teacher_model.guidance != 1) {
    noisy.target += networks_.teacher.GuidanceAlone(noisy.noisy, noisy.timesteps,
                                                    networks_.teacher.Prepare(batch.texts));
  }
  if (batch.weights.defined()) WeighPlaces(batch.weights, &noisy);
  return {StudentFlowBackward(networks_, noisy, batch.texts, scale), std::move(batch.items)};
}

}  // namespace t3
