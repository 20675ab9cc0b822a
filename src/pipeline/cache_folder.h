// The user's folder for what can be made again.
#pragma once

#include <string>

namespace t3 {

// $XDG_CACHE_HOME/t3video, else $HOME/.cache/t3video; made where it is missing. "" where neither
// variable is set or the folder cannot be made: nothing is cached then.
std::string CacheFolder();

}  // namespace t3
