// What light leaves of an object: its mirror image at sea, its shading, its shadow.
#pragma once

#include "measure/clip_analysis.h"

namespace t3 {

// Strength of the mirror image, 1: as strong as the object; the mean over some frames of its best
// place below the object; 0 without an object.
double MirrorOf(const ClipAnalysis& clip);

// Relative increase of brightness to the right over the lower half of the object (a bird's wings
// are shaded differently), summed over frames.
double ShadingOf(const ClipAnalysis& clip);

// Log ratio of the ground's brightness to the right and left of the object, in the rows where the
// sides differ most. `car`: whether the object is one.
double GroundContrast(const ClipAnalysis& clip, bool car);

}  // namespace t3
