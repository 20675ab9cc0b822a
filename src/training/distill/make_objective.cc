// Chooses among the objectives.
#include "training/distill/make_objective.h"

#include "training/distill/consistency.h"
#include "training/distill/dmd.h"
#include "training/distill/guidance.h"
#include "training/distill/refine.h"

namespace t3 {

std::unique_ptr<DistillObjective> MakeObjective(DistillNetworks& networks) {
  switch (networks.config.objective) {
    case Objective::kGuidance:
      return std::make_unique<GuidanceObjective>(networks);
    case Objective::kConsistency:
      return std::make_unique<ConsistencyObjective>(networks);
    case Objective::kRefine:
      return std::make_unique<RefineObjective>(networks);
    case Objective::kDmd:
      break;
  }
  return std::make_unique<DmdObjective>(networks);
}

}  // namespace t3
