// Writing safetensors files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "weights/types.h"

namespace t3 {

// What the header says about a tensor.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
};

// A tensor to write: `data` is contiguous, row-major, little-endian and `bytes` long.
struct NamedTensorRef {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;
  int64_t bytes = 0;
};

// Writes one tensor after the other, so that only one needs to be in memory. Equal input gives
// equal bytes: tensors in the order given, metadata by name, the header padded to 8 bytes. The file
// appears under its name at Finish(); without it nothing is left.
class SafetensorsStream {
 public:
  // Writes the header and reserves the space of the whole file, so that a full disk is found now.
  // Throws Error when the folder cannot be written, the space is missing, a name occurs twice, is
  // "__metadata__" or is not UTF-8, or a shape is impossible.
  SafetensorsStream(const std::string& path, std::vector<TensorInfo> table,
                    const Metadata& metadata);

  // The data of the next tensor of the table. `name` is compared with the table, so that a mix-up
  // fails instead of exchanging tensors. Throws Error when name or size differ or writing fails.
  void Write(const std::string& name, const std::byte* data, int64_t bytes);

  // Completes the file. Throws Error when tensors are missing or the disk fails.
  void Finish();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void Put(const void* data, size_t bytes);
  void Reserve(int64_t bytes) const;

  AtomicFile target_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::vector<TensorInfo> table_;
  size_t next_ = 0;
};

// All at once. Throws as SafetensorsStream does.
void WriteSafetensors(const std::string& path, const std::vector<NamedTensorRef>& tensors,
                      const Metadata& metadata);

}  // namespace t3
