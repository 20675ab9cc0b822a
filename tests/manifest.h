// The manifests in tests/data/manifests: names and shapes of the published full-size files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "weights/types.h"

namespace t3 {

struct Manifest {
  std::string source;
  // Views without data: dtype and shape by the file's own names.
  TensorViews tensors;
};

// "dit-1.3b.original" and so on. Throws when the file is missing or its count is wrong.
Manifest ReadManifest(const std::string& name);

}  // namespace t3
