// Captions: every attribute of a scene in words, in a few phrasings.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/lower_case.h"
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

// Phrases of one value, as they follow each other in any phrasing; X stands for the value's words.
struct AttributePhrases {
  WorldAttribute attribute;
  std::vector<std::string> phrases;
};

const std::vector<AttributePhrases>& CaptionPhrases() {
  static const std::vector<AttributePhrases> phrases{
      {WorldAttribute::kLand, {"the X"}},
      {WorldAttribute::kTime, {"at X", "by X"}},
      {WorldAttribute::kClouds, {"X sky"}},
      {WorldAttribute::kLight,
       {"sun on the X", "moon on the X", "sun is on the X", "moon is on the X"}},
      {WorldAttribute::kPair, {"two X lanterns", "lanterns are X"}}};
  return phrases;
}

bool Has(const std::string& text, std::string phrase, std::string_view words) {
  phrase.replace(phrase.find('X'), 1, words);
  return text.find(phrase) != std::string::npos;
}

// The number of the first value for which `states` holds, or -1.
template <typename States>
int FirstValue(WorldAttribute attribute, const States& states) {
  const auto names = WorldValueNames(attribute);
  for (size_t value = 0; value < names.size(); ++value) {
    if (states(value, names[value])) return static_cast<int>(value);
  }
  return -1;
}

// The object with its colour and motion: "red boat moves to the left".
void ReadObject(const std::string& text, WorldValues& values) {
  constexpr std::string_view kMoves[] = {" stays still", " moves to the left",
                                         " moves to the right"};
  const auto number = [&values](WorldAttribute attribute) -> int& {
    return values[static_cast<size_t>(attribute)];
  };
  number(WorldAttribute::kColor) = FirstValue(WorldAttribute::kColor, [&](size_t, auto color) {
    number(WorldAttribute::kObject) = FirstValue(WorldAttribute::kObject, [&](size_t, auto object) {
      const std::string thing = fmt::format("{} {}", color, object);
      number(WorldAttribute::kMotion) = FirstValue(WorldAttribute::kMotion, [&](size_t i, auto) {
        return Has(text, "X" + std::string(kMoves[i]), thing);
      });
      return number(WorldAttribute::kMotion) >= 0;
    });
    return number(WorldAttribute::kObject) >= 0;
  });
}

}  // namespace

std::optional<WorldValues> ReadCaption(std::string_view caption) {
  constexpr std::string_view kCameras[] = {"is still", "pans left", "pans right", "zooms in"};
  const std::string text = AsciiLowerCase(caption);
  WorldValues values{};
  for (const AttributePhrases& entry : CaptionPhrases()) {
    values[static_cast<size_t>(entry.attribute)] =
        FirstValue(entry.attribute, [&](size_t, std::string_view words) {
          return std::ranges::any_of(
              entry.phrases, [&](const std::string& phrase) { return Has(text, phrase, words); });
        });
  }
  ReadObject(text, values);
  values[static_cast<size_t>(WorldAttribute::kCamera)] = FirstValue(
      WorldAttribute::kCamera,
      [&](size_t value, std::string_view) { return Has(text, "camera X", kCameras[value]); });
  if (std::ranges::find(values, -1) != values.end()) return std::nullopt;
  return values;
}

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
