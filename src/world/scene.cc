// Draws a scene from a seed; names of attributes.
#include "world/scene.h"

#include "base/check.h"
#include "world/random.h"

namespace t3 {
namespace {

using Names = std::span<const std::string_view>;
constexpr std::string_view kLandNames[] = {"sea", "mountains", "city", "desert"};
constexpr std::string_view kTimeNames[] = {"dawn", "day", "sunset", "night"};
constexpr std::string_view kCloudNames[] = {"clear", "cloudy"};
constexpr std::string_view kSideNames[] = {"left", "right"};
constexpr std::string_view kObjectNames[] = {"balloon", "airship", "bird", "boat", "car"};
constexpr std::string_view kColorNames[] = {"red", "yellow", "green", "blue", "pink"};
constexpr std::string_view kMotionNames[] = {"still", "left", "right"};
constexpr std::string_view kCameraNames[] = {"still", "pan left", "pan right", "zoom in"};

struct AttributeWords {
  std::string_view name;
  Names values;
};
constexpr AttributeWords kAttributeWords[kWorldAttributes] = {
    {"land", kLandNames},     {"time", kTimeNames},     {"clouds", kCloudNames},
    {"light", kSideNames},    {"object", kObjectNames}, {"color", kColorNames},
    {"motion", kMotionNames}, {"camera", kCameraNames}, {"pair", kColorNames}};

WorldValues DrawValues(WorldRandom& random) {
  WorldValues values;
  for (int i = 0; i < kWorldAttributes; ++i) {
    values[i] = random.Pick(static_cast<int>(kAttributeWords[i].values.size()));
  }
  // Three kinds that fly, and one that fits the land.
  const bool sea = values[0] == static_cast<int>(WorldLand::kSea);
  const int kind = random.Pick(4);
  values[static_cast<int>(WorldAttribute::kObject)] =
      kind < 3 ? kind : static_cast<int>(sea ? WorldObject::kBoat : WorldObject::kCar);
  return values;
}

void SetValues(WorldScene& scene, const WorldValues& values) {
  for (int i = 0; i < kWorldAttributes; ++i) {
    const int count = static_cast<int>(kAttributeWords[i].values.size());
    T3_CHECK(values[i] >= 0 && values[i] < count, "scene: {} is {}, wanted 0 to {}",
             kAttributeWords[i].name, values[i], count - 1);
  }
  scene.land = static_cast<WorldLand>(values[0]);
  scene.time = static_cast<WorldTime>(values[1]);
  scene.clouds = static_cast<WorldClouds>(values[2]);
  scene.light = static_cast<WorldSide>(values[3]);
  scene.object = static_cast<WorldObject>(values[4]);
  scene.color = static_cast<WorldColor>(values[5]);
  scene.motion = static_cast<WorldMotion>(values[6]);
  scene.camera = static_cast<WorldCamera>(values[7]);
  scene.pair = static_cast<WorldColor>(values[8]);
  const bool sea = scene.land == WorldLand::kSea;
  T3_CHECK(scene.object != (sea ? WorldObject::kCar : WorldObject::kBoat),
           "scene: a {} does not occur in the land '{}'", kObjectNames[values[4]],
           kLandNames[values[0]]);
}

void DrawRest(WorldScene& scene, WorldRandom& random) {
  scene.horizon = random.Between(0.56, 0.61);
  const double side = random.Between(0.24, 0.34);
  scene.sun_x = scene.light == WorldSide::kLeft ? side : 1 - side;
  scene.sun_y = random.Between(0.14, 0.24);
  scene.object_x = random.Between(0.43, 0.57);
  scene.object_y = random.Between(0.33, 0.40);
  scene.object_size = random.Between(0.94, 1.08);
  scene.faces_right = random.Pick(2) == 1;
  if (scene.motion != WorldMotion::kStill) scene.faces_right = scene.motion == WorldMotion::kRight;
  scene.phase = random.Between(0, 1);
  scene.lantern_y = random.Between(0.22, 0.34);
  scene.cover = random.Between(0.52, 0.82);
  scene.wind = random.Between(-0.03, 0.03);
  scene.relief = random.Between(0, 1);
}

}  // namespace

std::string_view WorldAttributeName(WorldAttribute attribute) {
  return kAttributeWords[static_cast<int>(attribute)].name;
}

std::span<const std::string_view> WorldValueNames(WorldAttribute attribute) {
  return kAttributeWords[static_cast<int>(attribute)].values;
}

WorldValues WorldScene::Values() const {
  return {static_cast<int>(land),   static_cast<int>(time),   static_cast<int>(clouds),
          static_cast<int>(light),  static_cast<int>(object), static_cast<int>(color),
          static_cast<int>(motion), static_cast<int>(camera), static_cast<int>(pair)};
}

WorldScene SampleScene(uint64_t seed, const WorldValues& values) {
  WorldScene scene;
  scene.seed = seed;
  SetValues(scene, values);
  WorldRandom random(seed ^ 0x5ce7e5eedULL);
  DrawRest(scene, random);
  return scene;
}

WorldScene SampleScene(uint64_t seed) {
  WorldRandom random(seed);
  return SampleScene(seed, DrawValues(random));
}

}  // namespace t3
