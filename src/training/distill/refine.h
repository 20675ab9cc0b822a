// Refinement: from a draft with noise to the clip.
#pragma once

#include "training/distill/objective.h"
#include "training/dit/flow.h"

namespace t3 {

// The student learns the velocity of the path from a clip's draft to the clip (AddNoiseFromDrafts).
// A network that learned from noised clips takes a draft's blur for the clip's and keeps it, unless
// so much noise is added that outlines are lost as well; this one knows that it starts from a
// draft. What a teacher's guidance would add is added to the target: small models smooth textures
// without.
class RefineObjective : public DistillObjective {
 public:
  explicit RefineObjective(DistillNetworks& networks);
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override;

 private:
  DistillNetworks& networks_;
  TimestepTable timesteps_;
  double start_level_;
};

}  // namespace t3
