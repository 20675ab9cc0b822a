// The fitted part of the detector: a row of coefficients for each value of an attribute.
#pragma once

#include <string>
#include <vector>

#include "measure/world_features.h"
#include "world/scene.h"

namespace t3 {

// Values of land, time, clouds, light and object; the others are left 0. Land, clouds and light
// have coefficients for each time of day.
WorldValues ReadFitted(const WorldFeatures& features);

struct WorldExample {
  WorldFeatures features;
  WorldValues values;
};
// Ridge regression of `examples` onto 1 for the right value and 0 for others, as the C++ text of
// src/measure/world_fitted_data.inc. Used by world_fit only.
std::string FitWorld(const std::vector<WorldExample>& examples);

}  // namespace t3
