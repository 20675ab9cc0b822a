// Sets up the coordinates of a batch of scenes.
#include "world/stage.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace t3 {
namespace {

at::Tensor NumbersTensor(std::span<const WorldScene> scenes, double aspect, at::Device device) {
  const at::Tensor host =
      at::empty({static_cast<int64_t>(scenes.size()), kSceneNumbers}, at::kFloat);
  float* row = host.mutable_data_ptr<float>();
  for (const WorldScene& scene : scenes) {
    const SceneNumbers numbers = NumbersOf(scene, aspect);
    std::memcpy(row, &numbers, sizeof(numbers));
    row += kSceneNumbers;
  }
  return host.to(device);
}

template <typename Member>
int64_t ColumnOf(Member SceneNumbers::*member) {
  static const SceneNumbers kOrigin;
  return reinterpret_cast<const float*>(&(kOrigin.*member)) -
         reinterpret_cast<const float*>(&kOrigin);
}

// Centres of pixels [first, first + count); the same bits wherever a crop begins.
at::Tensor Middles(int64_t first, int64_t count, at::Device device) {
  return at::arange(first, first + count, at::TensorOptions(device).dtype(at::kFloat)) + 0.5;
}

}  // namespace

SceneStage::SceneStage(std::span<const WorldScene> scenes, const WorldView& view, int64_t first,
                       int64_t count, const Noise& table, at::Device device)
    : noise(table) {
  const double aspect = static_cast<double>(view.width) / static_cast<double>(view.height);
  const WorldCrop crop = view.crop.value_or(WorldCrop{0, 0, view.width, view.height});
  pixel = 1.0 / static_cast<double>(view.height);
  scale = ObjectScale(aspect);
  origin = static_cast<double>(crop.y) * pixel;
  numbers = NumbersTensor(scenes, aspect, device);
  x = (Middles(crop.x, crop.width, device) * pixel - aspect / 2).view({1, 1, 1, 1, -1});
  y = (Middles(crop.y, crop.height, device) * pixel).view({1, 1, 1, -1, 1});
  const at::Tensor frame =
      at::arange(first, first + count, at::TensorOptions(device).dtype(at::kFloat));
  // A single frame is the middle of its clip.
  u = view.frames > 1 ? frame / static_cast<double>(view.frames - 1) : at::full_like(frame, 0.5);
  u = u.view({1, 1, -1, 1, 1});
  seconds = (frame / view.fps).view({1, 1, -1, 1, 1});
}

SceneStage SceneStage::Rows(double top, double bottom) const {
  SceneStage part = *this;
  const int64_t rows = y.size(3);

  const int64_t from =
      std::clamp<int64_t>(std::llround(std::floor((top - origin) / pixel)), 0, rows);
  const int64_t to =
      std::clamp<int64_t>(std::llround(std::ceil((bottom - origin) / pixel)), from, rows);
  part.y = y.narrow(3, from, to - from);
  part.first_row = from;
  part.origin = origin + static_cast<double>(from) * pixel;
  return part;
}

at::Tensor SceneStage::Number(float SceneNumbers::*member) const {
  return numbers.select(1, ColumnOf(member)).view({-1, 1, 1, 1, 1});
}

at::Tensor SceneStage::Color(Rgb SceneNumbers::*member) const {
  return numbers.narrow(1, ColumnOf(member), 3).view({-1, 3, 1, 1, 1});
}

at::Tensor SceneStage::LayerX(double nearness) const {
  const at::Tensor zoom = 1 + Number(&SceneNumbers::zoom) * u;
  return x / zoom + (u - 0.5) * (Number(&SceneNumbers::pan) * nearness);
}

at::Tensor SceneStage::LayerY() const {
  const at::Tensor zoom = 1 + Number(&SceneNumbers::zoom) * u;
  const at::Tensor horizon = Number(&SceneNumbers::horizon);
  return (y - horizon) / zoom + horizon;
}

at::Tensor Coverage(const at::Tensor& distance, double pixel) {
  return (0.5 - distance / pixel).clamp_(0, 1);
}

at::Tensor SmoothStep(const at::Tensor& x, double low, double high) {
  const at::Tensor t = ((x - low) * (1 / (high - low))).clamp_(0, 1);
  return t * t * (3 - 2 * t);
}

at::Tensor Literal(const Rgb& color, const at::Tensor& like) {
  return at::tensor({color.r, color.g, color.b}, like.options().dtype(at::kFloat))
      .view({1, 3, 1, 1, 1});
}

}  // namespace t3
