// Feature maps: the plain definitions over ATen, and the calls of the kernels.
#include "ops/feature_map.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "kernels/feature_map.h"
#include "ops/dispatch.h"
#include "ops/norm_silu.h"

namespace t3 {
namespace {

void CheckMap(const at::Tensor& x, const char* what) {
  T3_CHECK(x.dim() == 4 && x.size(0) > 0 && x[0].is_contiguous(),
           "{}: a feature map has contiguous frames (rows, columns, channels); this one has shape "
           "({}) and strides ({})",
           what, fmt::join(x.sizes(), ", "), fmt::join(x.strides(), ", "));
}

void CheckOverwritten(const at::Tensor& out, const char* what) {
  T3_CHECK(!GradientsOn(), "{} overwrites memory and carries no gradient", what);
  T3_CHECK(out.dim() == 4 && out.is_contiguous(), "{}: the output is not a contiguous map", what);
}

bool KernelTakesMap(const at::Tensor& x) {
  if (!x.is_cuda() || (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16)) {
    return false;
  }
  const int64_t vector = kernels::VectorElements(DTypeOf(x));
  if (x.numel() / vector > std::numeric_limits<int32_t>::max()) return false;
  // The stride of a single frame says nothing.
  return x.size(3) % vector == 0 && (x.size(0) == 1 || x.stride(0) % vector == 0) && IsAligned(x);
}

// Elements that the plain definitions work on at a time: their temporaries are fp32.
constexpr int64_t kPlainElements = int64_t{1} << 22;

// Calls f(frame, first row, rows) on bands of [begin, end) of every frame.
template <typename F>
void ForEachBand(int64_t frames, int64_t begin, int64_t end, int64_t row_elements, F f) {
  const int64_t step = std::max<int64_t>(kPlainElements / std::max<int64_t>(row_elements, 1), 1);
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t row = begin; row < end; row += step) f(t, row, std::min(step, end - row));
  }
}

at::Tensor NormSiluOf(const at::Tensor& x, const NormSiluOptions& options) {
  at::Tensor y = x.to(ComputeType(x));
  if (options.bias.defined()) y = y + options.bias;
  return options.gamma.defined() ? NormSiluFormula(y, options.gamma, options.silu) : y;
}

void NormSiluPlain(const at::Tensor& x, const NormSiluOptions& options, int64_t first_row,
                   const at::Tensor& out) {
  const int64_t rows = out.size(1);
  const int64_t begin = std::clamp<int64_t>(-first_row, 0, rows);
  const int64_t end = std::clamp<int64_t>(x.size(1) - first_row, begin, rows);
  out.narrow(1, 0, begin).zero_();
  out.narrow(1, end, rows - end).zero_();
  ForEachBand(x.size(0), begin, end, x.size(2) * x.size(3),
              [&](int64_t t, int64_t row, int64_t count) {
                out[t]
                    .narrow(0, row, count)
                    .copy_(NormSiluOf(x[t].narrow(0, row + first_row, count), options));
              });
}

void NormSiluKernel(const at::Tensor& x, const NormSiluOptions& options, int64_t first_row,
                    const at::Tensor& out) {
  const kernels::NormSiluArgs args{
      .type = DTypeOf(x),
      .x = x.const_data_ptr(),
      .x_frame_stride = x.stride(0),
      .x_rows = x.size(1),
      .out = out.mutable_data_ptr(),
      .frames = out.size(0),
      .out_rows = out.size(1),
      .first_row = first_row,
      .columns = out.size(2),
      .channels = out.size(3),
      .bias = ChannelValues(options.bias, x.size(3), "NormSilu, bias"),
      .gamma = ChannelValues(options.gamma, x.size(3), "NormSilu, gamma"),
      .silu = options.silu};
  const c10::DeviceGuard guard(x.device());
  kernels::NormSilu(args, CurrentStream(x));
}

void AddMapPlain(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x) {
  ForEachBand(y.size(0), 0, y.size(1), y.size(2) * y.size(3),
              [&](int64_t t, int64_t row, int64_t count) {
                const at::Tensor band = y[t].narrow(0, row, count);
                const at::ScalarType compute = ComputeType(y);
                band.copy_(band.to(compute) + (x[t].narrow(0, row, count).to(compute) + bias));
              });
}

void AddMapKernel(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x) {
  const kernels::AddMapArgs args{.type = DTypeOf(y),
                                 .y = y.mutable_data_ptr(),
                                 .x = x.const_data_ptr(),
                                 .x_frame_stride = x.stride(0),
                                 .frames = y.size(0),
                                 .frame_positions = y.size(1) * y.size(2),
                                 .channels = y.size(3),
                                 .bias = ChannelValues(bias, y.size(3), "AddMap, bias")};
  const c10::DeviceGuard guard(y.device());
  kernels::AddMap(args, CurrentStream(y));
}

int64_t Repeats(const PhaseShortcut& shortcut, int64_t channels) {
  return shortcut.source.defined() ? channels * shortcut.time_factor * 4 / shortcut.source.size(3)
                                   : 1;
}

// What the shortcut adds to pixels (p, q) of frame t: (rows, W, C) of rows [row, row + count).
at::Tensor ShortcutOf(const PhaseShortcut& shortcut, int64_t channels, int64_t t, int64_t offset,
                      int64_t row, int64_t count) {
  const int64_t copy = t + shortcut.dropped, factor = shortcut.time_factor;
  const at::Tensor picked =
      (at::arange(channels, shortcut.source.options().dtype(at::kLong)) * (factor * 4) +
       (copy % factor * 4 + offset))
          .floor_divide(Repeats(shortcut, channels));
  const at::Tensor frame = shortcut.source[copy / factor];
  return at::index_select(frame.narrow(0, row + shortcut.first_row, count), 2, picked);
}

void PlacePhasesPlain(const at::Tensor& phases, const at::Tensor& bias,
                      const PhaseShortcut& shortcut, int64_t first_row, const at::Tensor& out) {
  const int64_t channels = out.size(3), columns = out.size(2) / 2;
  const at::ScalarType compute = ComputeType(out);
  for (int64_t phase = 0; phase < 4; ++phase) {
    const int64_t p = phase / 2, q = phase % 2;
    // The first row of `out` with this parity, and its row on the small grid.
    const int64_t begin = (first_row + p) % 2;
    const int64_t rows = (out.size(1) - begin + 1) / 2;
    const int64_t row = (first_row + begin) / 2;
    for (int64_t t = 0; t < out.size(0) && rows > 0; ++t) {
      at::Tensor y = phases[t]
                         .narrow(0, row + p, rows)
                         .narrow(1, q, columns)
                         .narrow(2, phase * channels, channels)
                         .to(compute) +
                     bias;
      if (shortcut.source.defined()) {
        y = y + ShortcutOf(shortcut, channels, t, phase, row, rows);
      }
      out[t].slice(0, begin, std::nullopt, 2).slice(1, q, std::nullopt, 2).copy_(y);
    }
  }
}

void PlacePhasesKernel(const at::Tensor& phases, const at::Tensor& bias,
                       const PhaseShortcut& shortcut, int64_t first_row, const at::Tensor& out) {
  const at::Tensor& source = shortcut.source;
  const bool has = source.defined();
  const kernels::PlacePhasesArgs args{.type = DTypeOf(out),
                                      .phases = phases.const_data_ptr(),
                                      .phase_rows = phases.size(1),
                                      .out = out.mutable_data_ptr(),
                                      .frames = out.size(0),
                                      .out_rows = out.size(1),
                                      .first_row = first_row,
                                      .columns = out.size(2) / 2,
                                      .channels = out.size(3),
                                      .bias = ChannelValues(bias, out.size(3), "PlacePhases, bias"),
                                      .source = has ? source.const_data_ptr() : nullptr,
                                      .source_frame_stride = has ? source.stride(0) : 0,
                                      .source_first_row = shortcut.first_row,
                                      .source_channels = has ? source.size(3) : 0,
                                      .time_factor = shortcut.time_factor,
                                      .dropped = shortcut.dropped,
                                      .repeats = Repeats(shortcut, out.size(3))};
  const c10::DeviceGuard guard(out.device());
  kernels::PlacePhases(args, CurrentStream(out));
}

}  // namespace

void NormSilu(const at::Tensor& x, const NormSiluOptions& options, int64_t first_row,
              const at::Tensor& out) {
  CheckMap(x, "NormSilu");
  CheckOverwritten(out, "NormSilu");
  T3_CHECK(out.size(0) == x.size(0) && out.size(2) == x.size(2) && out.size(3) == x.size(3) &&
               out.scalar_type() == x.scalar_type(),
           "NormSilu: x ({}) does not go into out ({})", fmt::join(x.sizes(), ", "),
           fmt::join(out.sizes(), ", "));
  const bool kernel =
      KernelTakesMap(x) && KernelTakesMap(out) &&
      x.size(3) / kernels::VectorElements(DTypeOf(x)) <= kernels::kNormSiluMaxVectors;
  kernel ? NormSiluKernel(x, options, first_row, out) : NormSiluPlain(x, options, first_row, out);
}

void AddMap(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x) {
  CheckMap(x, "AddMap");
  CheckOverwritten(y, "AddMap");
  T3_CHECK(y.sizes() == x.sizes() && y.scalar_type() == x.scalar_type(),
           "AddMap: x ({}) is added to y ({})", fmt::join(x.sizes(), ", "),
           fmt::join(y.sizes(), ", "));
  KernelTakesMap(x) && KernelTakesMap(y) ? AddMapKernel(y, bias, x) : AddMapPlain(y, bias, x);
}

void PlacePhases(const at::Tensor& phases, const at::Tensor& bias, const PhaseShortcut& shortcut,
                 int64_t first_row, const at::Tensor& out) {
  CheckMap(phases, "PlacePhases");
  CheckOverwritten(out, "PlacePhases");
  if (shortcut.source.defined()) CheckMap(shortcut.source, "PlacePhases, shortcut");
  T3_CHECK(phases.is_contiguous() && phases.size(0) == out.size(0) &&
               2 * (phases.size(2) - 1) == out.size(2) && phases.size(3) == 4 * out.size(3) &&
               first_row >= 0 && first_row + out.size(1) <= 2 * (phases.size(1) - 1),
           "PlacePhases: phases ({}) do not make ({}) from row {}", fmt::join(phases.sizes(), ", "),
           fmt::join(out.sizes(), ", "), first_row);
  const bool kernel = KernelTakesMap(phases) && KernelTakesMap(out);
  kernel ? PlacePhasesKernel(phases, bias, shortcut, first_row, out)
         : PlacePhasesPlain(phases, bias, shortcut, first_row, out);
}

}  // namespace t3
