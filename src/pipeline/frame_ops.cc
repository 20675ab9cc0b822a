// Frame operations as matrices.
#include "pipeline/frame_ops.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

namespace t3 {
namespace {

// (outputs, inputs) in double.
at::Tensor LanczosMatrix(const std::vector<LanczosWindow>& windows, int64_t inputs) {
  const at::Tensor matrix = at::zeros({std::ssize(windows), inputs}, at::kDouble);
  auto values = matrix.accessor<double, 2>();
  for (int64_t i = 0; i < std::ssize(windows); ++i) {
    const LanczosWindow& window = windows[static_cast<size_t>(i)];
    for (size_t j = 0; j < window.weights.size(); ++j)
      values[i][window.first + static_cast<int64_t>(j)] = window.weights[j];
  }
  return matrix;
}

// Means of cells, smoothed: (cells, pixels) in double.
at::Tensor AverageMatrix(int64_t pixels, int64_t cells) {
  const at::Tensor means = at::zeros({cells, pixels}, at::kDouble);
  const at::Tensor smooth = at::zeros({cells, cells}, at::kDouble);
  for (int64_t i = 0; i < cells; ++i) {
    const int64_t begin = i * pixels / cells, end = (i + 1) * pixels / cells;
    means[i].narrow(0, begin, end - begin).fill_(1.0 / static_cast<double>(end - begin));
    smooth[i][i] = 2.0;
    if (i > 0) smooth[i][i - 1] = 1.0;
    if (i + 1 < cells) smooth[i][i + 1] = 1.0;
  }
  return smooth.div(smooth.sum(1, /*keepdim=*/true)).matmul(means);
}

// Bilinear between the centers of cells: (pixels, cells) in double.
at::Tensor EnlargeMatrix(int64_t pixels, int64_t cells) {
  const at::Tensor matrix = at::zeros({pixels, cells}, at::kDouble);
  auto values = matrix.accessor<double, 2>();
  for (int64_t p = 0; p < pixels; ++p) {
    const double place =
        (static_cast<double>(p) + 0.5) * static_cast<double>(cells) / static_cast<double>(pixels) -
        0.5;
    const double inside = std::clamp(place, 0.0, static_cast<double>(cells - 1));
    const int64_t first = std::min(static_cast<int64_t>(inside), std::max<int64_t>(cells - 2, 0));
    const double weight = inside - static_cast<double>(first);
    values[p][first] += 1 - weight;
    if (weight > 0) values[p][first + 1] += weight;
  }
  return matrix;
}

at::Tensor On(at::Device device, const at::Tensor& matrix) {
  return matrix.to(device, at::kFloat).contiguous();
}

}  // namespace

FrameScaler::FrameScaler(int64_t width, int64_t height, int64_t out_width, int64_t out_height,
                         at::Device device, bool matrices)
    : resize_(width, height, /*pixel_aspect=*/1, out_width, out_height),
      out_width_(out_width),
      out_height_(out_height),
      device_(device) {
  if (!matrices) return;
  rows_ = On(device, LanczosMatrix(resize_.rows(), height));
  columns_ = On(device, LanczosMatrix(resize_.columns(), width).t());
}

at::Tensor FrameScaler::Scale(const at::Tensor& frame) {
  if (rows_.defined()) {
    const at::Tensor narrow =
        at::matmul(frame.to(device_, at::kFloat, /*non_blocking=*/true), columns_);
    return at::matmul(rows_, narrow).clamp_(-1, 1);
  }
  const at::Tensor out = at::empty({3, out_height_, out_width_}, at::kFloat);
  const at::Tensor in = frame.cpu().contiguous();
  resize_.Resize(in.const_data_ptr<float>(), out.mutable_data_ptr<float>(), at::get_num_threads());
  return out;
}

ColorMatcher::ColorMatcher(int64_t width, int64_t height, at::Device device, bool matrices)
    : match_(width, height) {
  if (!matrices) return;
  average_rows_ = On(device, AverageMatrix(height, match_.rows()));
  average_columns_ = On(device, AverageMatrix(width, match_.columns()).t());
  enlarge_rows_ = On(device, EnlargeMatrix(height, match_.rows()));
  enlarge_columns_ = On(device, EnlargeMatrix(width, match_.columns()).t());
}

at::Tensor ColorMatcher::Difference(const at::Tensor& source, const at::Tensor& frame) const {
  if (average_rows_.defined())
    return at::matmul(average_rows_, at::matmul(source - frame, average_columns_));
  const at::Tensor cells = at::empty({3, match_.rows(), match_.columns()}, at::kFloat);
  const at::Tensor from = source.contiguous(), to = frame.contiguous();
  match_.Difference(from.const_data_ptr<float>(), to.const_data_ptr<float>(),
                    cells.mutable_data_ptr<float>(), at::get_num_threads());
  return cells;
}

at::Tensor ColorMatcher::Add(const at::Tensor& frame, const at::Tensor& cells) const {
  if (enlarge_rows_.defined())
    return frame + at::matmul(enlarge_rows_, at::matmul(cells, enlarge_columns_));
  const at::Tensor sum = frame.clone(at::MemoryFormat::Contiguous);
  match_.Add(cells.const_data_ptr<float>(), sum.mutable_data_ptr<float>(), at::get_num_threads());
  return sum;
}

}  // namespace t3
