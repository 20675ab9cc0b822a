// Any supported weight file, opened.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "weights/types.h"

namespace t3 {

// Opened weights: one safetensors file, an index.json with its shards, a torch .pth (zip or
// legacy) or a GGUF file. The content decides the format, not the name; but a name such as
// "model-00001-of-00003.safetensors" stands for all three shards, which must be there. Tensors are
// memory-mapped; their names are without the wrappers of training code (weights/wrappers.h).
// Who wrote a file, for errors about damage: weights can be fetched again, t3's own files cannot.
enum class FileOrigin { kWeights, kOwn };

class WeightFile {
 public:
  // Throws Error that names the file and the fault. Never executes or trusts anything in the file.
  static std::shared_ptr<const WeightFile> Open(const std::string& path,
                                                FileOrigin origin = FileOrigin::kWeights);
  virtual ~WeightFile() = default;

  const std::string& path() const { return path_; }
  const std::string& format() const { return format_; }  // "safetensors", "GGUF", ...
  const TensorViews& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }
  // What was chosen or left out while reading, a sentence each; for the log and `t3 inspect`.
  const std::vector<std::string>& notes() const { return notes_; }

 protected:
  WeightFile() = default;
  std::string path_;
  std::string format_;
  TensorViews tensors_;
  Metadata metadata_;
  std::vector<std::string> notes_;
};

}  // namespace t3
