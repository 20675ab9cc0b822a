// Causal convolution over ATen's conv3d.
#include "nn/causal_conv3d.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "base/check.h"
#include "nn/row_slabs.h"

namespace t3 {
namespace {

at::Tensor ZeroFrames(const at::Tensor& x, int64_t frames) {
  std::vector<int64_t> sizes = x.sizes().vec();
  sizes[2] = frames;
  return at::zeros(sizes, x.options().memory_format(x.suggest_memory_format()));
}

// A copy of the last `frames` frames of before|x; a view would keep all of x alive.
at::Tensor LastFrames(const at::Tensor& before, const at::Tensor& x, int64_t frames) {
  const int64_t from_x = std::min(frames, x.size(2));
  const at::Tensor tail = x.narrow(2, x.size(2) - from_x, from_x);
  if (from_x == frames) return tail.clone();
  return at::cat({before.narrow(2, before.size(2) - (frames - from_x), frames - from_x), tail}, 2);
}

}  // namespace

CausalConv3d::CausalConv3d(const TensorMap& tensors, const std::string& prefix,
                           int64_t max_slab_elements, int64_t stride_in_time)
    : weight(GetTensor(tensors, prefix + ".weight")),
      time_stride(stride_in_time),
      slab_elements(max_slab_elements) {
  T3_CHECK(weight.dim() == 5, "{}.weight has {} dimensions; a 3-D convolution has 5", prefix,
           weight.dim());
  const auto found = tensors.find(prefix + ".bias");
  if (found != tensors.end()) bias = found->second;
}

at::Tensor CausalConv3d::operator()(const at::Tensor& x, CausalCache& cache) const {
  const at::Tensor before = cache.frames.defined() ? cache.frames : ZeroFrames(x, history());
  const int64_t rows = x.size(3), row_pad = weight.size(3) / 2, column_pad = weight.size(4) / 2;
  const int64_t channels = std::max(x.size(1), weight.size(0));
  const int64_t row_elements = x.size(0) * channels * (x.size(2) + history()) * x.size(4);

  // A slab is convolved with its halo, and the output of the halo, wrong at the cut, is dropped:
  // zero padding acts at true edges only.
  const auto slab = [&](int64_t begin, int64_t end) {
    const int64_t top = std::max<int64_t>(begin - row_pad, 0);
    const int64_t bottom = std::min(end + row_pad, rows);
    const auto cut = [&](const at::Tensor& t) { return t.narrow(3, top, bottom - top); };
    const at::Tensor input = history() == 0 ? cut(x) : at::cat({cut(before), cut(x)}, 2);
    const at::Tensor y = at::conv3d(input, weight, bias, at::IntArrayRef{time_stride, 1, 1},
                                    at::IntArrayRef{0, row_pad, column_pad});
    return y.narrow(3, begin - top, end - begin);
  };
  at::Tensor out = AssembleRows(rows, SlabRows(rows, row_elements, slab_elements), slab);
  if (history() > 0) cache.frames = LastFrames(before, x, history());
  return out;
}

at::Tensor CausalConv3d::operator()(const at::Tensor& x) const {
  T3_CHECK(history() == 0, "a convolution over {} frames was called without its cache",
           weight.size(2));
  CausalCache none;
  return (*this)(x, none);
}

}  // namespace t3
