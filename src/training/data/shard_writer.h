// Collects tensors into safetensors files of moderate size.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace t3 {

// Writes FOLDER/PREFIX-00000.safetensors, ..., and never overwrites a file.
class ShardWriter {
 public:
  ShardWriter(std::string folder, std::string prefix);

  // Buffers the tensor for the shard whose file name is returned; it is on disk after Flush().
  std::string Add(const std::string& name, const at::Tensor& tensor);

  // Whether the buffer is large or old enough to be written: a crash costs at most a minute of
  // work.
  bool Due() const;
  // Writes the buffered tensors, if any. Throws Error when that fails; the tensors are then
  // dropped.
  void Flush();

 private:
  std::string FileName() const;

  std::string folder_;
  std::string prefix_;
  int64_t number_ = 0;
  std::vector<std::pair<std::string, at::Tensor>> pending_;
  int64_t bytes_ = 0;
  std::chrono::steady_clock::time_point first_added_;
};

}  // namespace t3
