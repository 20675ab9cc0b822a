// Signed distances from simple shapes in object coordinates, negative inside.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>

namespace t3 {

struct Point {
  double x = 0, y = 0;
};

at::Tensor Ellipse(const at::Tensor& x, const at::Tensor& y, Point middle, Point radii);
at::Tensor RoundBox(const at::Tensor& x, const at::Tensor& y, Point middle, Point half,
                    double corner);
// Corners clockwise as seen on the picture (y downwards); the shape is convex.
at::Tensor Polygon(const at::Tensor& x, const at::Tensor& y, std::initializer_list<Point> corners);

}  // namespace t3
