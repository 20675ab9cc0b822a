// Any supported weight file, opened.
#pragma once

#include <memory>
#include <string>

#include "weights/types.h"

namespace t3 {

// Opened weights: one safetensors file, an index.json with its shards, or a torch .pth (zip or
// legacy). The format is told by content, not by name. Tensors are memory-mapped.
class WeightFile {
 public:
  // Throws Error that names the file and the fault. Never executes or trusts anything in the file.
  static std::shared_ptr<const WeightFile> Open(const std::string& path);
  virtual ~WeightFile() = default;

  const std::string& path() const { return path_; }
  const std::string& format() const { return format_; }  // "safetensors", "torch zip", ...
  const TensorViews& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }

 protected:
  WeightFile() = default;
  std::string path_;
  std::string format_;
  TensorViews tensors_;
  Metadata metadata_;
};

}  // namespace t3
