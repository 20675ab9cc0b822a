// Which scenes of the world are for training, and which are held out to test on.
#pragma once

#include <cstdint>

#include "world/scene.h"

namespace t3 {

// Whether this combination of attributes is held out: one in eight is, by a hash of its values.
bool IsHeldOut(const WorldValues& values);

// The scene of a seed among those for training, and among those held out. The same on every
// machine.
WorldScene TrainingScene(uint64_t seed);
WorldScene HeldOutScene(uint64_t seed);

}  // namespace t3
