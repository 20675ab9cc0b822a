// Sums of the taps that meet the same pixel of the small grid.
#include "models/decoder/phase_weight.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

#include <array>

namespace t3 {
namespace {

// The two taps along dimension `dim` that remain of three when neighbours are equal: (w0, w1 + w2)
// for the even pixel, (w0 + w1, w2) for the odd one.
at::Tensor MergeTaps(const at::Tensor& weight, int64_t dim, int64_t parity) {
  const at::Tensor first = weight.select(dim, 0), second = weight.select(dim, 1),
                   third = weight.select(dim, 2);
  return parity == 0 ? at::stack({first, second + third}, dim)
                     : at::stack({first + second, third}, dim);
}

}  // namespace

at::Tensor PhaseWeight(const at::Tensor& weight) {
  const at::Tensor exact = weight.to(at::kFloat);
  std::array<at::Tensor, 4> phases;
  for (int64_t phase = 0; phase < 4; ++phase) {
    phases[static_cast<size_t>(phase)] = MergeTaps(MergeTaps(exact, 2, phase / 2), 3, phase % 2);
  }
  const at::Tensor all = at::cat(at::TensorList(phases), 0).to(weight.scalar_type());
  return all.is_cuda() ? all.contiguous(at::MemoryFormat::ChannelsLast) : all;
}

}  // namespace t3
