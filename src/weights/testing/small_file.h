// For tests: small safetensors files of floats.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/error_of.h"
#include "weights/safetensors_writer.h"
#include "weights/testing/test_folder.h"
#include "weights/weight_file.h"

namespace t3::test {

struct Floats {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

inline Floats Filled(std::vector<int64_t> shape, float value) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return {std::move(shape), std::vector<float>(static_cast<size_t>(count), value)};
}

// Writes the file into `folder` and gives its path.
inline std::string WriteFloats(const Folder& folder, const std::string& name,
                               const std::map<std::string, Floats>& tensors,
                               const Metadata& metadata = {}) {
  std::vector<NamedTensorRef> refs;
  for (const auto& [tensor, floats] : tensors) {
    refs.push_back({tensor, DType::kF32, floats.shape,
                    reinterpret_cast<const std::byte*>(floats.values.data()),
                    static_cast<int64_t>(floats.values.size() * sizeof(float))});
  }
  WriteSafetensors(folder.Path(name), refs, metadata);
  return folder.Path(name);
}

inline std::shared_ptr<const WeightFile> OpenFloats(const Folder& folder, const std::string& name,
                                                    const std::map<std::string, Floats>& tensors,
                                                    const Metadata& metadata = {}) {
  return WeightFile::Open(WriteFloats(folder, name, tensors, metadata));
}

}  // namespace t3::test
