// Attention of one shape by cuDNN, with the choice of its plans left to the caller.
#pragma once

#include <array>
#include <compare>
#include <memory>
#include <string>
#include <vector>

#include "kernels/types.h"

namespace t3::kernels {

// What a plan depends on. Elements are bf16; rows of a head have unit stride.
struct AttentionShape {
  using Strides = std::array<int64_t, 3>;  // elements between batch entries, heads, rows
  int64_t batch;
  int64_t heads;
  int64_t queries;
  int64_t keys;
  int64_t head_dim;
  Strides q, k, v, out;

  auto operator<=>(const AttentionShape&) const = default;
};

struct AttentionArgs {
  const void* q;
  const void* k;
  const void* v;
  void* out;
  void* workspace;  // WorkspaceBytes() of the plan
};

// cuDNN's plans for softmax(q k^T / sqrt(head_dim)) v of one shape on the current GPU, its best
// guess first. As ConvolutionPlans.
class AttentionPlans {
 public:
  virtual ~AttentionPlans() = default;

  virtual const std::vector<std::string>& Names() const = 0;
  virtual bool Build(size_t plan) = 0;
  virtual int64_t WorkspaceBytes(size_t plan) const = 0;
  virtual bool Run(size_t plan, const AttentionArgs& args, Stream stream) = 0;
  virtual const std::string& Refusal() const = 0;
};

// Null where cuDNN has no plan, and in builds without its front end.
std::unique_ptr<AttentionPlans> FindAttentionPlans(const AttentionShape& shape,
                                                   int64_t most_workspace_bytes);

}  // namespace t3::kernels
