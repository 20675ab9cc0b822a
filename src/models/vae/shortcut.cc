// Shortcuts as index arithmetic.
#include "models/vae/shortcut.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/index_select.h>

namespace t3 {

void AddDuplicated(const at::Tensor& out, const at::Tensor& in, int64_t time_factor, bool first) {
  const int64_t channels = out.size(1);
  const int64_t factor = time_factor * 4;
  const int64_t repeats = channels * factor / in.size(1);
  const int64_t dropped = first ? time_factor - 1 : 0;
  const at::Tensor bases = at::arange(channels, in.options().dtype(at::kLong)) * factor;
  // One offset (a,b,d) at a time: the temporary is a 4*ft-th of the output.
  for (int64_t offset = 0; offset < factor; ++offset) {
    const int64_t a = offset / 4, b = offset / 2 % 2, d = offset % 2;
    const int64_t from = a < dropped ? 1 : 0;  // frame 0 has no such copy
    if (from >= in.size(2)) continue;
    const at::Tensor picked =
        at::index_select(in.slice(2, from), 1, (bases + offset).floor_divide(repeats));
    out.slice(2, from * time_factor + a - dropped, std::nullopt, time_factor)
        .slice(3, b, std::nullopt, 2)
        .slice(4, d, std::nullopt, 2)
        .add_(picked);
  }
}

at::Tensor AverageDown(const at::Tensor& in, int64_t out_channels, int64_t time_factor,
                       int64_t space_factor, bool first) {
  const int64_t front = first ? time_factor - 1 : 0;
  const at::Tensor x =
      front > 0 ? at::constant_pad_nd(in, at::IntArrayRef{0, 0, 0, 0, front, 0}) : in;
  const at::Tensor blocks = x.unflatten(4, {-1, space_factor})
                                .unflatten(3, {-1, space_factor})
                                .unflatten(2, {-1, time_factor});  // B,C,T,ft,H,fs,W,fs
  return blocks.permute({0, 1, 3, 5, 7, 2, 4, 6})
      .flatten(1, 4)
      .unflatten(1, {out_channels, -1})
      .mean(2);
}

}  // namespace t3
