// Checks of feature maps.
#include "ops/feature_map/feature_map.h"

#include <limits>

#include "base/check.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

void CheckNoGradient(const at::Tensor& x, const char* op) {
  T3_CHECK(!NeedsGradient({x}), "{} has no gradient; turn gradients off around it", op);
}

}  // namespace

void CheckMap(const at::Tensor& x, const char* op) {
  CheckNoGradient(x, op);
  T3_CHECK(x.dim() == 4 && x.size(0) > 0 && x[0].is_contiguous(),
           "{}: a feature map has contiguous frames (rows, columns, channels); this one has shape "
           "({}) and strides ({})",
           op, fmt::join(x.sizes(), ", "), fmt::join(x.strides(), ", "));
}

void CheckOverwritten(const at::Tensor& out, const char* op) {
  CheckNoGradient(out, op);
  T3_CHECK(out.dim() == 4 && out.is_contiguous(), "{}: the output is not a contiguous map", op);
}

bool SupportsMapKernel(const at::Tensor& x) {
  if (!x.is_cuda() || (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16)) {
    return false;
  }
  const int64_t vector = kernels::VectorElements(DTypeOf(x));
  if (x.numel() / vector > std::numeric_limits<int32_t>::max()) return false;
  // The stride of a single frame is arbitrary.
  return x.size(3) % vector == 0 && (x.size(0) == 1 || x.stride(0) % vector == 0) && IsAligned(x);
}

}  // namespace t3
