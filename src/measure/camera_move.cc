// Matches frames half a clip and a whole clip apart under shifts and zooms; the best match is the
// camera's move.
#include "measure/camera_move.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace t3 {
namespace {

// Horizontal differences of brightness. The horizon, which no move changes, has none.
at::Tensor Edges(const at::Tensor& frame) {
  const at::Tensor luma =
      at::avg_pool2d(frame.mean(0).view({1, 1, frame.size(1), frame.size(2)}), 3, 1, 1);
  const at::Tensor edges = at::zeros_like(luma);
  edges.narrow(3, 1, luma.size(3) - 2)
      .copy_(luma.narrow(3, 2, luma.size(3) - 2) - luma.narrow(3, 0, luma.size(3) - 2));
  // Strong and weak edges count equally, in any light.
  return edges / (edges.abs() + 0.02);
}

// Where a later frame's pixels were half a clip earlier.
struct Hypothesis {
  WorldCamera camera;
  double zoom;
  double shift;  // of the content to the left, as a fraction of the width
};

std::vector<Hypothesis> Hypotheses() {
  std::vector<Hypothesis> all;
  // A pan covers a tenth of the width in a clip, half of it between the frames; far layers less.
  for (int i = -1; i <= 1; ++i) all.push_back({WorldCamera::kStill, 1, i * 0.0039});
  for (int i = 0; i <= 8; ++i) {
    const double shift = 0.030 + 0.004 * i;
    all.push_back({WorldCamera::kPanRight, 1, shift});
    all.push_back({WorldCamera::kPanLeft, 1, -shift});
  }
  for (int i = 0; i <= 5; ++i) all.push_back({WorldCamera::kZoomIn, 1.09 + 0.015 * i, 0});
  return all;
}

double Match(const at::Tensor& early, const at::Tensor& late, const at::Tensor& free_early,
             const at::Tensor& free_late, const Hypothesis& move, double times) {
  constexpr double kCentre = 2 * 0.585 - 1;  // of the zoom: the horizon
  const double s = 1 / (1 + (move.zoom - 1) * times);
  const at::Tensor map =
      at::tensor({s, 0.0, 2 * move.shift * times, 0.0, s, kCentre * (1 - s)}, early.options())
          .view({1, 2, 3});
  const at::Tensor grid = at::affine_grid_generator(map, early.sizes(), false);
  const at::Tensor both = at::grid_sampler(at::cat({early, free_early}, 1), grid, 0, 0, false);
  const at::Tensor moved = both.narrow(1, 0, 1);
  const at::Tensor weight = both.narrow(1, 1, 1) * free_late;
  const at::Tensor cross = (moved * late * weight).sum();
  const at::Tensor norm = ((moved * moved * weight).sum() * (late * late * weight).sum()).sqrt();
  return (cross / norm.clamp_min(1e-6)).item<double>();
}

}  // namespace

WorldCamera ReadCamera(const at::Tensor& picture, const at::Tensor& free) {
  const int64_t frames = picture.size(1), half = std::max<int64_t>(frames / 2, 1);
  static const std::vector<Hypothesis> kMoves = Hypotheses();
  std::vector<double> scores(kMoves.size(), 0);
  const auto compare = [&](int64_t first, int64_t second) {
    const auto open = [&](int64_t frame) { return free[frame].view({1, 1, free.size(1), -1}); };
    const at::Tensor early = Edges(picture.select(1, first));
    const at::Tensor late = Edges(picture.select(1, second));
    const double times =
        2.0 * static_cast<double>(second - first) / static_cast<double>(frames - 1);
    for (size_t i = 0; i < kMoves.size(); ++i) {
      scores[i] += Match(early, late, open(first), open(second), kMoves[i], times);
    }
  };
  for (int64_t first = 0; first + half < frames; first += std::max<int64_t>(half / 2, 1)) {
    compare(first, first + half);
  }
  compare(0, frames - 1);
  return kMoves[std::max_element(scores.begin(), scores.end()) - scores.begin()].camera;
}

}  // namespace t3
