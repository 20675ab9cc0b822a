// Which files with which captions a dataset is to be made of.
#pragma once

#include <string>
#include <vector>

#include "t3video/prepare.h"

namespace t3 {

struct Source {
  std::string name;  // as the list or the folder names it; unique
  std::string path;
  std::string caption;  // UTF-8, not empty, without white space at its ends
  bool image = false;
};

struct SourceList {
  std::vector<Source> sources;  // in the list's order, or by name in a folder
  std::vector<RejectedSource> rejected;
};

// Reads PrepareRequest::source; opens no video. Entries with wrong fields, without a caption, whose
// file is not there or comes twice are rejected. Throws Error when the source itself cannot be
// read.
SourceList ReadSources(const std::string& source);

}  // namespace t3
