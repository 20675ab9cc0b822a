// Prints captions of the synthetic world, one a line: t3_world_captions COUNT.
#include <cstdio>
#include <cstdlib>

#include "world/held_out.h"
#include "world/world.h"

int main(int argc, char** argv) {
  const long count = argc == 2 ? std::atol(argv[1]) : 0;
  if (count <= 0) {
    std::fputs("usage: t3_world_captions COUNT\n", stderr);
    return 2;
  }
  for (long i = 0; i < count; ++i) {
    const auto seed = static_cast<uint64_t>(i);
    std::puts(t3::Caption(t3::TrainingScene(seed), seed).c_str());
  }
}
