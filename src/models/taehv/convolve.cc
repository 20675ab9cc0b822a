// Convolutions of whole frames, in bands on a CPU.
#include "models/taehv/convolve.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "base/check.h"
#include "ops/conv/convolution.h"
#include "ops/profiler.h"
#include "plan/row_range.h"

namespace t3 {
namespace {

// Multiply-accumulates between two polls on a CPU: a fraction of a second on two cores.
constexpr int64_t kCpuMacsPerBand = 20'000'000'000;

at::Tensor ConvolvePadded(const at::Tensor& x, const at::Tensor& weight) {
  const int64_t padding = weight.size(4) / 2;
  return Convolution(x, weight, {.row_padding = padding, .column_padding = padding});
}

}  // namespace

at::Tensor InMapLayout(const at::Tensor& weight) {
  return weight.is_cuda() ? weight.contiguous(at::MemoryFormat::ChannelsLast3d)
                          : weight.contiguous();
}

at::Tensor MapWeight(const TensorMap& tensors, const std::string& name) {
  return InMapLayout(GetTensor(tensors, name + ".weight").detach().unsqueeze(2));
}

at::Tensor MapBias(const TensorMap& tensors, const std::string& name) {
  return GetTensor(tensors, name + ".bias").detach().to(at::kFloat).contiguous();
}

at::Tensor ConvolveMaps(const at::Tensor& x, const at::Tensor& weight, const PollFn& poll) {
  if (poll) poll();
  const ProfileScope scope(fmt::format("convolution {} to {}, {}x{}x{}", weight.size(1),
                                       weight.size(0), weight.size(2), weight.size(3),
                                       weight.size(4)));
  const int64_t frames = x.size(0) - weight.size(2) + 1, rows = x.size(1);
  const int64_t row_macs = frames * x.size(2) * weight.numel();
  const int64_t step = std::max<int64_t>(kCpuMacsPerBand / row_macs, 1);
  if (x.is_cuda() || step >= rows) return ConvolvePadded(x, weight);
  const at::Tensor out = at::empty({frames, rows, x.size(2), weight.size(0)}, x.options());
  for (int64_t row = 0; row < rows; row += step) {
    const RowRange band{row, std::min(row + step, rows)};
    const RowRange source = band.Grown(weight.size(3) / 2, rows);
    const at::Tensor y =
        ConvolvePadded(x.narrow(1, source.begin, source.size()).contiguous(), weight);
    out.narrow(1, band.begin, band.size())
        .copy_(y.narrow(1, band.begin - source.begin, band.size()));
    if (poll) poll();
  }
  return out;
}

}  // namespace t3
