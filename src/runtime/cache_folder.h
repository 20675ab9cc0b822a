// The user's folder for data that can be regenerated.
#pragma once

#include <string>

namespace t3 {

// $XDG_CACHE_HOME/t3video, else $HOME/.cache/t3video; created if missing. "" where neither variable
// is set or the folder cannot be created: then nothing is cached.
std::string CacheFolder();

}  // namespace t3
