// Captions: every attribute of a scene in words, in a few phrasings.
#include <fmt/format.h>

#include "base/check.h"
#include "world/world.h"

namespace t3 {
namespace {

std::string_view WordOf(WorldAttribute attribute, int value) {
  return WorldValueNames(attribute)[value];
}

std::string Place(WorldLand land) {
  constexpr std::string_view kPlaces[] = {"the sea", "the mountains", "the city", "the desert"};
  return std::string(kPlaces[static_cast<int>(land)]);
}

std::string Move(const WorldScene& scene) {
  switch (scene.motion) {
    case WorldMotion::kStill:
      return "stays still";
    case WorldMotion::kLeft:
      return "moves to the left";
    case WorldMotion::kRight:
      return "moves to the right";
  }
  Fail("caption: unknown motion {}", static_cast<int>(scene.motion));
}

std::string CameraMove(const WorldScene& scene) {
  switch (scene.camera) {
    case WorldCamera::kStill:
      return "is still";
    case WorldCamera::kPanLeft:
      return "pans left";
    case WorldCamera::kPanRight:
      return "pans right";
    case WorldCamera::kZoomIn:
      return "zooms in";
  }
  Fail("caption: unknown camera move {}", static_cast<int>(scene.camera));
}

}  // namespace

std::string Caption(const WorldScene& scene, uint64_t variant) {
  const std::string_view color = WordOf(WorldAttribute::kColor, static_cast<int>(scene.color));
  const std::string_view object = WordOf(WorldAttribute::kObject, static_cast<int>(scene.object));
  const std::string_view pair = WordOf(WorldAttribute::kPair, static_cast<int>(scene.pair));
  const std::string_view clouds = WordOf(WorldAttribute::kClouds, static_cast<int>(scene.clouds));
  const std::string_view side = WordOf(WorldAttribute::kLight, static_cast<int>(scene.light));
  const std::string_view light = scene.time == WorldTime::kNight ? "moon" : "sun";
  const std::string place = Place(scene.land);
  std::string beginning = place;
  beginning[0] = 'T';
  const std::string time =
      scene.time == WorldTime::kDay
          ? "by day"
          : fmt::format("at {}", WordOf(WorldAttribute::kTime, static_cast<int>(scene.time)));
  const std::string move = Move(scene);
  const std::string camera = CameraMove(scene);
  switch (variant % kCaptionVariants) {
    case 0:
      return fmt::format(
          "A {} {} {} in {} {}, {} sky, the {} on the {}, two {} lanterns, the camera {}.", color,
          object, move, place, time, clouds, light, side, pair, camera);
    case 1:
      return fmt::format(
          "{} {}. {} sky with the {} on the {}. Between two {} lanterns a {} {} {}. The camera {}.",
          beginning, time, clouds == "clear" ? "A clear" : "A cloudy", light, side, pair, color,
          object, move, camera);
    case 2:
      return fmt::format(
          "The camera {} over {} {}. Two {} lanterns at the edges, the {} on the {} in a {} sky. "
          "One {} {} {}.",
          camera, place, time, pair, light, side, clouds, color, object, move);
    default:
      return fmt::format(
          "A video of {} {} with a {} sky. The {} is on the {}. A {} {} {}. The "
          "camera {}. The two lanterns are {}.",
          place, time, clouds, light, side, color, object, move, camera, pair);
  }
}

}  // namespace t3
