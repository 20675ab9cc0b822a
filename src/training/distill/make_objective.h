// The objective that a configuration names.
#pragma once

#include <memory>

#include "training/distill/objective.h"

namespace t3 {

std::unique_ptr<DistillObjective> MakeObjective(DistillNetworks& networks);

}  // namespace t3
