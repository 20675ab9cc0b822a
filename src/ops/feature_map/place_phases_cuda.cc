// Tensors to the arguments of kernels/place_phases.h.
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include "kernels/place_phases.h"
#include "ops/dispatch.h"
#include "ops/feature_map/place_phases.h"
#include "ops/feature_map/place_phases_impl.h"

namespace t3 {

void PlacePhasesCuda(const at::Tensor& phases, const at::Tensor& bias,
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
                                      .repeats = shortcut.Repeats(out.size(3))};
  const c10::DeviceGuard guard(out.device());
  kernels::LaunchPlacePhases(args, CurrentStream(out));
}

}  // namespace t3
