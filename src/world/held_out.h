// Which scenes of the world a model learns from, and which are kept back to test it.
#pragma once

#include <cstdint>

#include "world/scene.h"

namespace t3 {

// Whether this combination of attributes is kept back: one in eight is, by a hash of its values.
bool IsHeldOut(const WorldValues& values);

// The scene of a seed among those to learn from, and among those kept back. The same on every
// machine.
WorldScene TrainingScene(uint64_t seed);
WorldScene HeldOutScene(uint64_t seed);

}  // namespace t3
