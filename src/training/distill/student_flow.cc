// The student's flow loss and its gradient.
#include "training/distill/student_flow.h"

#include <ATen/ATen.h>

#include "training/distill/captioned_dit.h"

namespace t3 {

at::Tensor StudentFlowBackward(DistillNetworks& networks, const NoisyBatch& noisy,
                               const std::vector<at::Tensor>& texts, double scale) {
  // Recomputed segments use both again in the backward pass.
  const Dit student = networks.student.Model(networks.student.leaves());
  const CaptionedDit captioned(student, texts);
  const at::Tensor velocity = captioned.Velocity(
      noisy.noisy, noisy.timesteps, networks.attention.For(noisy.noisy), networks.runners);
  const at::Tensor loss = FlowLoss(velocity, noisy);
  (loss * scale).backward();
  return loss.detach();
}

}  // namespace t3
