// Conditions for kernels, and their arguments.
#include "ops/dispatch.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/check.h"

namespace t3 {

at::ScalarType ComputeType(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

bool NeedsGradient(std::initializer_list<at::Tensor> inputs) {
  return c10::GradMode::is_enabled() && std::ranges::any_of(inputs, [](const at::Tensor& x) {
           return x.defined() && x.requires_grad();
         });
}

bool PortableOnly() {
  static const bool portable = std::getenv("T3_PORTABLE") != nullptr;
  return portable;
}

bool Fp8ProductsOnly() {
  static const char* const value = std::getenv("T3_FP8_ATTENTION");
  static const bool only = value != nullptr && std::string_view(value) == "0";
  return only;
}

bool SupportsVectorAccess(const at::Tensor& x) {
  if (!x.is_cuda() || x.dim() != 2 || x.stride(1) != 1) return false;
  if (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16) return false;
  const int64_t vector = kernels::VectorElements(DTypeOf(x));
  return x.size(1) % vector == 0 && x.stride(0) % vector == 0 && IsAligned(x);
}

bool IsAligned(const at::Tensor& x) {
  return reinterpret_cast<uintptr_t>(x.const_data_ptr()) % 16 == 0;
}

const float* ChannelValues(const at::Tensor& v, int64_t channels, const char* what) {
  if (!v.defined()) return nullptr;
  T3_CHECK(
      v.dim() == 1 && v.size(0) == channels && v.is_contiguous() && v.scalar_type() == at::kFloat,
      "{}: wanted {} contiguous fp32 values", what, channels);
  return v.const_data_ptr<float>();
}

kernels::DType DTypeOf(const at::Tensor& x) {
  T3_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16,
           "kernels take fp32 and bf16, not {}", c10::toString(x.scalar_type()));
  return x.scalar_type() == at::kFloat ? kernels::DType::kFloat32 : kernels::DType::kBFloat16;
}

kernels::Stream CurrentStream(const at::Tensor& x) {
  const c10::impl::VirtualGuardImpl device(x.device().type());
  return device.getStream(x.device()).native_handle();
}

int64_t GradientBlocks(int64_t rows, int64_t max_blocks) {
  constexpr int64_t kRowsPerBlock = 256;
  return std::clamp<int64_t>((rows + kRowsPerBlock - 1) / kRowsPerBlock, 1, max_blocks);
}

}  // namespace t3
