// Phases in place: checks, reference, dispatch.
#include "ops/feature_map/place_phases.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "ops/dispatch.h"
#include "ops/feature_map/feature_map.h"
#include "ops/feature_map/place_phases_impl.h"

namespace t3 {
namespace {

// What the shortcut adds to pixels (p, q) of frame t: (rows, W, C) of rows [row, row + count).
at::Tensor ShortcutOf(const PhaseShortcut& shortcut, int64_t channels, int64_t t, int64_t offset,
                      int64_t row, int64_t count) {
  const int64_t copy = t + shortcut.dropped, factor = shortcut.time_factor;
  const at::Tensor picked =
      (at::arange(channels, shortcut.source.options().dtype(at::kLong)) * (factor * 4) +
       (copy % factor * 4 + offset))
          .floor_divide(shortcut.Repeats(channels));
  const at::Tensor frame = shortcut.source[copy / factor];
  return at::index_select(frame.narrow(0, row + shortcut.first_row, count), 2, picked);
}

void PlacePhasesReference(const at::Tensor& phases, const at::Tensor& bias,
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

}  // namespace

void PlacePhases(const at::Tensor& phases, const at::Tensor& bias, const PhaseShortcut& shortcut,
                 int64_t first_row, const at::Tensor& out) {
  CheckMap(phases, "PlacePhases");
  CheckOverwritten(out, "PlacePhases");
  if (shortcut.source.defined()) CheckMap(shortcut.source, "PlacePhases, shortcut");
  T3_CHECK(phases.is_contiguous() && phases.size(0) == out.size(0) &&
               2 * (phases.size(2) - 1) == out.size(2) && phases.size(3) == 4 * out.size(3) &&
               first_row >= 0 && first_row + out.size(1) <= 2 * (phases.size(1) - 1),
           "PlacePhases: phases ({}) do not cover ({}) from row {}",
           fmt::join(phases.sizes(), ", "), fmt::join(out.sizes(), ", "), first_row);
  if (SupportsMapKernel(phases) && SupportsMapKernel(out)) {
    PlacePhasesCuda(phases, bias, shortcut, first_row, out);
  } else {
    PlacePhasesReference(phases, bias, shortcut, first_row, out);
  }
}

}  // namespace t3
