// What the renderer needs of a scene, as floats: positions, motion and the palette of the time of
// day.
#pragma once

#include "world/scene.h"

namespace t3 {

struct Rgb {
  float r = 0, g = 0, b = 0;
};

// Floats only: a batch of scenes becomes one matrix. Lengths are heights of the picture unless
// said otherwise; x is 0 in the middle.
struct SceneNumbers {
  float horizon = 0;
  float sun_x = 0, sun_y = 0, sun_radius = 0;
  float light = 0;  // -1: from the left, 1: from the right
  float pan = 0;    // travel of the camera to the right
  float zoom = 0;   // growth over the clip
  float object_from = 0, object_to = 0, object_y = 0, object_size = 0;
  float faces = 1;  // 1: right
  float phase = 0;
  float lantern_x = 0, lantern_y = 0;
  float cover = 0;   // of clouds
  float cloudy = 0;  // 1 with clouds
  float wind = 0;
  float relief = 0;
  float night = 0;                 // 1 at night
  float shift_x = 0, shift_y = 0;  // of the textures, in cells
  Rgb zenith, middle, rim;         // of the sky
  Rgb sun, glow;                   // disc and its halo
  Rgb cloud_lit, cloud_dark;
  Rgb sunlight, ambient;  // factors of a surface's own colour
  Rgb haze;               // colour of the far distance
  Rgb water;
  Rgb object, pair;
};
inline constexpr int kSceneNumbers = sizeof(SceneNumbers) / sizeof(float);

// `aspect` is width / height of the picture.
SceneNumbers NumbersOf(const WorldScene& scene, double aspect);

// Objects shrink by this factor in pictures narrower than 16:9, so that all of them fit.
double ObjectScale(double aspect);

// Colours of objects and lanterns. Nothing else in a picture is as saturated, so the detector can
// find them (measure/paint.h).
Rgb PaintOf(WorldColor color);

}  // namespace t3
