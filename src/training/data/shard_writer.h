// Tensors collected into safetensors files of a handy size.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace t3 {

// Writes FOLDER/PREFIX-00000.safetensors, ...: never over a file that is there.
class ShardWriter {
 public:
  ShardWriter(std::string folder, std::string prefix);

  // Keeps the tensor for the shard whose file name is returned; it is on disk after Flush().
  std::string Add(const std::string& name, const at::Tensor& tensor);

  // Enough has come together, or enough time has passed, to write it: at most a minute of work is
  // lost to a crash.
  bool Due() const;
  // Writes what was added, if anything. Throws Error when that fails; the tensors are then dropped.
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
