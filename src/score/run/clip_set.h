// Which clips a request names, with their prompts and reference clips.
#pragma once

#include <string>
#include <vector>

#include "t3video/score.h"

namespace t3 {

struct SetClip {
  std::string name;  // unique in the set
  std::string path;
  std::string prompt;
  std::string no_prompt;  // why it has none
  std::string reference;
  std::string no_reference;  // why it has none
};

// In the order of the inputs, those of a folder by name. Videos that job.json of a folder names and
// the folder lacks are added to `result.failures`. Throws Error where an input is neither a video
// nor a folder with clips, and for a prompt file that cannot be read.
std::vector<SetClip> ClipsOf(const ScoreRequest& request, ScoreResult& result);

}  // namespace t3
