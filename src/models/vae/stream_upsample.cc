// Upsampling as four phases of a convolution on the small grid, a frame at a time.
#include "models/vae/stream_upsample.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>

#include <utility>

#include "models/decoder/phase_weight.h"
#include "ops/conv/convolution.h"
#include "ops/feature_map/place_phases.h"
#include "ops/profiler.h"

namespace t3 {

StreamUpsample::StreamUpsample(const TensorMap& tensors, const VaeLevel& level) {
  const std::string name = level.ResamplerName();
  phase_weight_ = PhaseWeight(GetTensor(tensors, name + ".resample.1.weight").detach());
  bias_ = GetTensor(tensors, name + ".resample.1.bias").detach().to(at::kFloat);
  if (level.time_factor > 1) time_conv_.emplace(tensors, name + ".time_conv");
}

at::Tensor StreamUpsample::Phases(const at::Tensor& frame) const {
  const ProfileScope scope("upsampling: convolution of phases");
  return Convolution(frame, phase_weight_.unsqueeze(2), {.row_padding = 1, .column_padding = 1});
}

MapRows StreamUpsample::operator()(MapRows x, const MapRows& input, const RowRange& rows,
                                   State& state, const PollFn& poll) const {
  const bool first = !state.started;
  T3_CHECK(!first || x.map.size(0) == 1, "a video's first pass has {} frames, wanted 1",
           x.map.size(0));
  state.started = true;
  const RowRange source = x.rows;
  const int64_t height = x.height;
  const UpsampleShapes shapes{.frames = x.map.size(0),
                              .rows = source.size(),
                              .columns = x.map.size(2),
                              .channels = x.map.size(3),
                              .out = bias_.size(0),
                              .output_rows = rows.size(),
                              .doubles_time = time_conv_ && !first};
  const at::Tensor frames =
      shapes.doubles_time ? DoubleTime(std::move(x), shapes, state, poll) : std::move(x.map);
  const at::Tensor out = at::empty(shapes.Output(), frames.options());
  for (int64_t t = 0; t < frames.size(0); ++t) {
    if (poll) poll();
    const at::Tensor phases = Phases(frames.narrow(0, t, 1));
    PhaseShortcut shortcut;
    if (input.map.defined()) {
      shortcut = {.source = input.map,
                  .first_row = source.begin - input.rows.begin,
                  .time_factor = time_conv_ ? 2 : 1,
                  .dropped = t + (time_conv_ && first ? 1 : 0)};
    }
    const ProfileScope scope("upsampling: phases in place");
    PlacePhases(phases, bias_, shortcut, rows.begin - 2 * source.begin, out.narrow(0, t, 1));
  }
  return {out, rows, 2 * height};
}

at::Tensor StreamUpsample::DoubleTime(MapRows x, const UpsampleShapes& shapes, State& state,
                                      const PollFn& poll) const {
  const RowRange rows = x.rows;
  const at::Tensor both =
      (*time_conv_)(std::move(x), {.bias = {}, .gamma = {}, .silu = false}, rows, state.time, poll)
          .map;
  const ProfileScope scope("upsampling: frames in place");
  const at::Tensor doubled = at::empty(shapes.Doubled(), both.options());
  at::Tensor pairs = doubled.unflatten(0, {-1, 2});
  const at::Tensor halves = both.unflatten(3, {2, shapes.channels}).permute({0, 3, 1, 2, 4});
  at::add_out(pairs, halves,
              time_conv_->bias().to(both.scalar_type()).view({2, 1, 1, shapes.channels}));
  return doubled;
}

}  // namespace t3
