// Distances, exact near the edges, where pixels are partly covered.
#include "world/shapes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace t3 {

at::Tensor Ellipse(const at::Tensor& x, const at::Tensor& y, Point middle, Point radii) {
  const at::Tensor dx = (x - middle.x) / radii.x, dy = (y - middle.y) / radii.y;
  return ((dx * dx + dy * dy).sqrt_() - 1) * std::min(radii.x, radii.y);
}

at::Tensor RoundBox(const at::Tensor& x, const at::Tensor& y, Point middle, Point half,
                    double corner) {
  const at::Tensor dx = (x - middle.x).abs_() - (half.x - corner);
  const at::Tensor dy = (y - middle.y).abs_() - (half.y - corner);
  const at::Tensor outside = at::hypot(dx.clamp_min(0), dy.clamp_min(0));
  return outside + at::maximum(dx, dy).clamp_max_(0) - corner;
}

at::Tensor Polygon(const at::Tensor& x, const at::Tensor& y, std::initializer_list<Point> corners) {
  at::Tensor distance;
  const Point* previous = corners.end() - 1;
  for (const Point& corner : corners) {
    const double ex = corner.x - previous->x, ey = corner.y - previous->y;
    const double length = std::hypot(ex, ey);
    const double nx = ey / length, ny = -ex / length;  // outward, for clockwise corners
    const double offset = nx * corner.x + ny * corner.y;
    const at::Tensor side = x * nx + (y * ny - offset);
    distance = distance.defined() ? at::maximum(distance, side) : side;
    previous = &corner;
  }
  return distance;
}

}  // namespace t3
