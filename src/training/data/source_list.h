// The files and captions of a dataset to be prepared.
#pragma once

#include <string>
#include <vector>

#include "t3video/prepare.h"

namespace t3 {

struct Source {
  std::string name;  // as in the list or the folder (a link's own name); unique
  std::string path;
  std::string caption;  // UTF-8, not empty, without white space at its ends
  bool image = false;
};

struct SourceList {
  std::vector<Source> sources;  // in the list's order, or by name in a folder
  std::vector<RejectedSource> rejected;
};

// Reads PrepareRequest::source; opens no video. Entries with wrong fields or without a caption, and
// files that do not exist or were listed before, are rejected. Throws Error when the source itself
// cannot be read.
SourceList ReadSources(const std::string& source);

}  // namespace t3
