// world_fit: fits the detector of the world on rendered clips, or measures it on others.
//   world_fit fit FIRST COUNT FILE   writes src/measure/world_fitted_data.inc from seeds FIRST ...
//   world_fit score FIRST COUNT [blur]   prints how often each attribute is read right
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "base/check.h"
#include "measure/degrade.h"
#include "measure/world_detector.h"
#include "measure/world_fitted.h"
#include "world/world.h"

namespace t3 {
namespace {

// Each clip as it is and degraded, so that coefficients do not depend on the finest detail.
void Fit(uint64_t first, uint64_t count, const std::string& file) {
  std::vector<WorldExample> examples(2 * count);
  std::atomic<uint64_t> next = 0;
  const auto work = [&] {
    for (uint64_t i = next++; i < count; i = next++) {
      const WorldScene scene = SampleScene(first + i);
      // A second with few frames costs less, and the fitted features need no more.
      const at::Tensor video = RenderScene(scene, {.frames = 5, .fps = 5}, at::kCPU);
      examples[2 * i] = {FeaturesOf(video), scene.Values()};
      examples[2 * i + 1] = {FeaturesOf(Degrade(video, scene.seed)), scene.Values()};
      if (i % 100 == 0) fmt::print(stderr, "seed {}\n", scene.seed);
    }
  };
  // The operations are too small for libtorch's threads.
  std::thread other(work);
  work();
  other.join();
  std::ofstream(file) << FitWorld(examples);
}

struct Score {
  int64_t right[kWorldAttributes] = {};
  int64_t one = 0, pair = 0, path = 0, shading = 0, mirror = 0, shadow = 0, sea = 0;
};

void Add(Score& score, const WorldScene& scene, const WorldReading& reading) {
  const WorldValues truth = scene.Values();
  for (int i = 0; i < kWorldAttributes; ++i) {
    score.right[i] += reading.values[i] == truth[i];
    if (reading.values[i] != truth[i]) {
      fmt::print("seed {} ({}, {}): {} is {}, read {}\n", scene.seed,
                 WorldValueNames(WorldAttribute::kLand)[static_cast<size_t>(truth[0])],
                 WorldValueNames(WorldAttribute::kTime)[static_cast<size_t>(truth[1])],
                 WorldAttributeName(static_cast<WorldAttribute>(i)), truth[i], reading.values[i]);
    }
  }
  const auto report = [&](int64_t& held, bool holds, const char* what) {
    held += holds;
    if (!holds)
      fmt::print("seed {}: {} does not hold: objects {}, path {}, mirror {}, shadow {}\n",
                 scene.seed, what, reading.objects, reading.path_error, reading.mirror,
                 reading.shadow);
  };
  report(score.one, reading.OneObject(), "one object");
  report(score.pair, reading.pair_matched, "pair");
  report(score.path, reading.PathContinuous(), "path");
  report(score.shading, reading.shading_matches, "shading");
  if (scene.land != WorldLand::kSea) {
    report(score.shadow, reading.ShadowPresent(), "shadow");
    return;
  }
  ++score.sea;
  report(score.mirror, reading.MirrorPresent(), "mirror image");
}

void PrintScore(uint64_t first, uint64_t count, bool worsen) {
  Score score;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const WorldScene scene = SampleScene(seed);
    const at::Tensor video = RenderScene(scene, {}, at::kCPU);
    Add(score, scene, ReadWorld(worsen ? Degrade(video, seed) : video));
  }
  const auto print = [](std::string_view what, int64_t right, uint64_t of) {
    fmt::print("{:<18} {:6.2f} % of {}\n", what,
               100.0 * static_cast<double>(right) / static_cast<double>(of), of);
  };
  for (int i = 0; i < kWorldAttributes; ++i) {
    print(WorldAttributeName(static_cast<WorldAttribute>(i)), score.right[i], count);
  }
  print("one object", score.one, count), print("pair matched", score.pair, count);
  print("path continuous", score.path, count), print("shading matches", score.shading, count);
  const uint64_t sea = static_cast<uint64_t>(score.sea);
  if (sea > 0) print("mirror image", score.mirror, sea);
  if (count > sea) print("shadow", score.shadow, count - sea);
}

int Run(int argc, char** argv) {
  const std::string verb = argc >= 4 ? argv[1] : "";
  if (verb == "fit" && argc == 5) {
    Fit(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10), argv[4]);
  } else if (verb == "score") {
    PrintScore(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10), argc > 4);
  } else {
    fmt::print(stderr, "usage: world_fit fit FIRST COUNT FILE | score FIRST COUNT [blur]\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace t3

int main(int argc, char** argv) {
  try {
    return t3::Run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "world_fit: {}\n", error.what());
    return 1;
  }
}
