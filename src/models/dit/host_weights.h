// The blocks' weights in host memory, each block contiguous, for BlockStream to copy to the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "config/model_config.h"
#include "models/dit/block_stream.h"
#include "nn/tensor_map.h"

namespace t3 {

// Where a block's tensors lie in its memory, the same in every block.
class BlockLayout {
 public:
  // Dtypes as Dit stores them: fp32 for some, else `dtype`; with `fp8` codes, and scales in fp32,
  // of those that IsFp8Weight (arch/dit.h) names.
  BlockLayout(const DitConfig& config, at::ScalarType dtype, bool fp8 = false);

  at::ScalarType dtype() const { return dtype_; }
  bool fp8() const { return fp8_; }
  int64_t bytes() const { return bytes_; }
  // Views of `memory`, (bytes) uint8, under original names of block `prefix` ("blocks.7"). q, k and
  // v lie side by side, so that DitBlock copies none of them.
  TensorMap Views(const at::Tensor& memory, const std::string& prefix) const;

 private:
  struct Entry {
    std::string name;  // within the block
    std::vector<int64_t> shape;
    at::ScalarType dtype;
    int64_t first = 0;  // byte
  };
  at::ScalarType dtype_;
  bool fp8_;
  std::vector<Entry> entries_;
  int64_t bytes_ = 0;
};

// Memory is allocated in chunks of whole blocks (plan/denoiser_memory.h), because allocators of
// pinned memory round up to powers of two.
class HostWeights {
 public:
  // Memory for all blocks, not filled. `pinned`: page-locked, so that a GPU can read it while it
  // computes; needs a GPU.
  HostWeights(const DitConfig& config, at::ScalarType dtype, bool pinned, bool fp8 = false);

  const BlockLayout& layout() const { return layout_; }
  // Of each block, (layout().bytes()) uint8.
  const std::vector<at::Tensor>& blocks() const { return blocks_; }
  // Copies a block into memory of the layout `to`, converting what has another dtype there: weights
  // stored in bf16 for a CPU that computes in fp32.
  BlockStream::CopyFn CopyInto(const BlockLayout& to) const;
  // Where a loader (nn/load.h) puts the tensor with this original name; undefined if it does not
  // belong to a block.
  at::Tensor Place(const std::string& name) const;

 private:
  BlockLayout layout_;
  std::vector<at::Tensor> blocks_;
  TensorMap places_;
};

}  // namespace t3
