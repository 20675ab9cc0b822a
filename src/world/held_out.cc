// Draws scenes until one is on the wanted side.
#include "world/held_out.h"

#include "base/mix_bits.h"
#include "world/random.h"
#include "world/world.h"

namespace t3 {
namespace {

constexpr uint64_t kHeldOutOneIn = 8;

WorldScene SceneOfSide(uint64_t seed, bool held_out) {
  WorldRandom random(seed);
  while (true) {
    const WorldScene scene = SampleScene(random.Next());
    if (IsHeldOut(scene.Values()) == held_out) return scene;
  }
}

}  // namespace

bool IsHeldOut(const WorldValues& values) {
  uint64_t hash = 0;
  for (const int value : values) hash = MixBits(hash ^ static_cast<uint64_t>(value));
  return hash % kHeldOutOneIn == 0;
}

WorldScene TrainingScene(uint64_t seed) { return SceneOfSide(seed, false); }

WorldScene HeldOutScene(uint64_t seed) { return SceneOfSide(seed, true); }

}  // namespace t3
