// The page of t3 score: one file with thumbnails in it.
#pragma once

#include <string>

#include "t3video/score.h"

namespace t3 {

std::string ScoreHtml(const ScoreResult& result);
// Whether `path` holds such a page.
bool IsScoreHtml(const std::string& path);

}  // namespace t3
