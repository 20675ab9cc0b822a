// A scene of the world: the attributes that its caption states, and everything else.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace t3 {

enum class WorldAttribute {
  kLand,
  kTime,
  kClouds,
  kLight,
  kObject,
  kColor,
  kMotion,
  kCamera,
  kPair
};
inline constexpr int kWorldAttributes = 9;

enum class WorldLand { kSea, kMountains, kCity, kDesert };
enum class WorldTime { kDawn, kDay, kSunset, kNight };
enum class WorldClouds { kClear, kCloudy };
enum class WorldSide { kLeft, kRight };
enum class WorldObject { kBalloon, kAirship, kBird, kBoat, kCar };
enum class WorldColor { kRed, kYellow, kGreen, kBlue, kPink };
enum class WorldMotion { kStill, kLeft, kRight };  // as seen in the picture
enum class WorldCamera { kStill, kPanLeft, kPanRight, kZoomIn };

// One value per attribute, as the number of its enumerator.
using WorldValues = std::array<int, kWorldAttributes>;

// "land", "time", ... and "sea", "pan left", ..., as in files and reports.
std::string_view WorldAttributeName(WorldAttribute attribute);
std::span<const std::string_view> WorldValueNames(WorldAttribute attribute);

struct WorldScene {
  uint64_t seed = 0;  // of the textures
  // Attributes.
  WorldLand land = WorldLand::kSea;
  WorldTime time = WorldTime::kDay;
  WorldClouds clouds = WorldClouds::kClear;
  WorldSide light = WorldSide::kLeft;  // where sun or moon stands
  WorldObject object = WorldObject::kBalloon;
  WorldColor color = WorldColor::kRed;
  WorldMotion motion = WorldMotion::kStill;
  WorldCamera camera = WorldCamera::kStill;
  WorldColor pair = WorldColor::kRed;  // of the two lanterns
  // The rest. Positions are fractions of the picture's width and height, y downwards.
  double horizon = 0.58;
  double sun_x = 0.25;  // in the middle of the clip
  double sun_y = 0.2;
  double object_x = 0.5;  // in the middle of the clip
  double object_y = 0.37;
  double object_size = 1;  // factor
  bool faces_right = true;
  double phase = 0;  // of flapping and swaying, in turns
  double lantern_y = 0.28;
  double cover = 0.5;  // of clouds, 0 to 1, where there are any
  double wind = 0;     // of clouds, heights a second
  double relief = 0;   // 0 low, 1 high mountains, buildings, dunes

  WorldValues Values() const;
};

// The scene of a seed, the same on every machine. Attributes are uniform and independent, but the
// fourth kind of object is a boat at sea and a car on land.
WorldScene SampleScene(uint64_t seed);

// The same with given attributes. Throws Error for a boat on land or a car at sea.
WorldScene SampleScene(uint64_t seed, const WorldValues& values);

}  // namespace t3
