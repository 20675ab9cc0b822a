// The streaming middle block.
#include "models/vae/stream_middle.h"

#include <ATen/ops/empty_like.h>

#include <utility>

#include "ops/profiler.h"

namespace t3 {

StreamMiddle::StreamMiddle(const TensorMap& tensors, const std::string& prefix)
    : first_(tensors, prefix + ".0"),
      gamma_(NormGamma(tensors, prefix + ".1.norm")),
      attention_(tensors, prefix + ".1", {}),
      last_(tensors, prefix + ".2") {}

MapRows StreamMiddle::operator()(MapRows x, const RowRange& rows, int64_t score_bytes, State& state,
                                 const PollFn& poll) const {
  const RowRange all = x.rows;
  const RowRange read = rows.Grown(2, x.height);  // by the last block
  x = first_(std::move(x), all, state.first, poll);
  {
    const ProfileScope scope("attention of the middle block");
    const at::Tensor normed = at::empty_like(x.map);
    NormSilu(x.map, {.bias = {}, .gamma = gamma_, .silu = false}, 0, normed);
    const int64_t columns = x.map.size(2);
    const at::Tensor attended = attention_.AttendTokens(
        normed.flatten(1, 2), score_bytes, poll, columns * read.begin, columns * read.size());
    x = x.Part(read);
    x.map.add_(attended.view(x.map.sizes()));
  }
  return last_(std::move(x), rows, state.last, poll);
}

}  // namespace t3
