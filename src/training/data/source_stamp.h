// Recognising a source file without reading it again.
#pragma once

#include <string>

#include "training/data/dataset_index.h"

namespace t3 {

// Size, time and digest (XXH64) of a file, or of a folder's files together. When size and time are
// those of `known` (may be null), its digest is reused; otherwise the contents are read. Throws
// Error when they cannot be read.
SourceStamp StampOf(const std::string& path, const SourceStamp* known);

}  // namespace t3
