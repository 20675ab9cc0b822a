// DOVER's views over ATen.
#include "models/dover/views.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"

namespace t3 {
namespace {

constexpr double kMaxCode = 255;

void CheckFrame(const at::Tensor& frame) {
  T3_CHECK(frame.dim() == 3 && frame.size(0) == 3 && frame.scalar_type() == at::kByte,
           "DOVER got a frame ({}) {}, wanted (3, height, width) uint8",
           fmt::join(frame.sizes(), ", "), c10::toString(frame.scalar_type()));
}

at::Tensor EmptyView(int64_t frames) {
  return at::zeros({frames, 3, kDoverSide, kDoverSide}, at::kByte);
}

// Copies `picture` to all places of `view` where `numbers` has `number`.
template <typename Picture>
void Place(const std::vector<int64_t>& numbers, int64_t number, const at::Tensor& view,
           const Picture& picture) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] == number) view[static_cast<int64_t>(i)].copy_(picture(static_cast<int64_t>(i)));
  }
}

}  // namespace

at::Tensor EnlargeForFragments(const at::Tensor& frame) {
  CheckFrame(frame);
  const double ratio =
      static_cast<double>(std::min(frame.size(1), frame.size(2))) / static_cast<double>(kDoverSide);
  if (ratio >= 1) return frame;
  const double scale = 1 / ratio;
  const auto scaled = [&](int64_t size) {
    return static_cast<int64_t>(static_cast<double>(size) * scale);
  };
  const at::Tensor larger = at::upsample_bilinear2d(frame.to(at::kFloat).unsqueeze(0) / kMaxCode,
                                                    {scaled(frame.size(1)), scaled(frame.size(2))},
                                                    /*align_corners=*/false, scale, scale);
  return (larger[0] * kMaxCode).to(at::kByte);
}

at::Tensor CutFragments(const at::Tensor& frame, const DoverFragments& fragments, int64_t part) {
  CheckFrame(frame);
  const at::Tensor view = at::empty({3, kDoverSide, kDoverSide}, at::kByte);
  const auto& rows = fragments.rows.at(static_cast<size_t>(part));
  const auto& columns = fragments.columns.at(static_cast<size_t>(part));
  for (int64_t i = 0; i < kDoverFragments; ++i) {
    for (int64_t j = 0; j < kDoverFragments; ++j) {
      const auto cut = [&](const at::Tensor& from, int64_t row, int64_t column) {
        return from.narrow(1, row, kDoverFragment).narrow(2, column, kDoverFragment);
      };
      const auto y = static_cast<size_t>(i), x = static_cast<size_t>(j);
      cut(view, i * kDoverFragment, j * kDoverFragment)
          .copy_(cut(frame, rows[y][x], columns[y][x]));
    }
  }
  return view;
}

at::Tensor ResizeForDover(const at::Tensor& frame) {
  CheckFrame(frame);
  const at::Tensor resized = at::upsample_bilinear2d(
      frame.to(at::kFloat).unsqueeze(0), {kDoverSide, kDoverSide}, /*align_corners=*/false);
  return resized[0].round_().to(at::kByte);
}

at::Tensor NormaliseForDover(const at::Tensor& view) {
  const auto channels = [](std::array<float, 3> values) {
    return at::tensor(at::ArrayRef<float>(values)).view({3, 1, 1, 1});
  };
  return (view.to(at::kFloat) - channels({123.675f, 116.28f, 103.53f})) /
         channels({58.395f, 57.12f, 57.375f});
}

DoverViews::DoverViews(int64_t frames, int64_t height, int64_t width)
    : frames_(ChooseDoverFrames(frames, &random_)),
      fragments_(ChooseDoverFragments(height, width, &random_)),
      technical_(EmptyView(kDoverClips * kDoverClipFrames)),
      aesthetic_(EmptyView(kDoverClipFrames)) {}

bool DoverViews::Wants(int64_t number) const {
  const auto holds = [&](const std::vector<int64_t>& numbers) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
  };
  return holds(frames_.technical) || holds(frames_.aesthetic);
}

void DoverViews::Add(int64_t number, const at::Tensor& frame) {
  Place(frames_.technical, number, technical_,
        [&](int64_t place) { return CutFragments(frame, fragments_, place / kDoverClipFrames); });
  Place(frames_.aesthetic, number, aesthetic_, [&](int64_t) { return ResizeForDover(frame); });
}

at::Tensor DoverViews::Technical(int64_t part) const {
  return NormaliseForDover(
      technical_.narrow(0, part * kDoverClipFrames, kDoverClipFrames).transpose(0, 1));
}

at::Tensor DoverViews::Aesthetic() const { return NormaliseForDover(aesthetic_.transpose(0, 1)); }

}  // namespace t3
