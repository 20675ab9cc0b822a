// A small picture of a frame for reports.
#pragma once

#include <string>

#include "score/metric.h"

namespace t3 {

// A PNG file's bytes, at most 160 pixels wide.
std::string ThumbnailOf(const ScoreFrame& frame);

}  // namespace t3
