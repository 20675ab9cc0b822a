// Median cut, nearest colours and dithering.
#include "media/palette.h"

#include <algorithm>
#include <limits>

namespace t3 {
namespace {

constexpr int kBits = 5;  // of a channel, in counting colours
constexpr int kBins = 1 << (3 * kBits);
constexpr size_t kColours = 256;

using Colour = std::array<int, 3>;

int BinOf(const Colour& colour) {
  return colour[0] >> (8 - kBits) << (2 * kBits) | colour[1] >> (8 - kBits) << kBits |
         colour[2] >> (8 - kBits);
}

// The pixels of one bin.
struct Cell {
  int64_t count = 0;
  std::array<int64_t, 3> sum{};
  Colour Mean() const {
    Colour mean{};
    for (int c = 0; c < 3; ++c) mean[c] = static_cast<int>((sum[c] + count / 2) / count);
    return mean;
  }
};

// Neighbouring cells that share one colour: cells [begin, end) of the list.
struct Box {
  size_t begin, end;
  int64_t count = 0;
  int axis = 0;        // along which it is widest
  double spread = -1;  // pixels times that width squared: what splitting it is worth
};

Box MakeBox(const std::vector<Cell>& cells, size_t begin, size_t end) {
  Box box{begin, end};
  Colour low{255, 255, 255}, high{};
  for (size_t i = begin; i < end; ++i) {
    const Colour mean = cells[i].Mean();
    box.count += cells[i].count;
    for (int c = 0; c < 3; ++c) {
      low[c] = std::min(low[c], mean[c]), high[c] = std::max(high[c], mean[c]);
    }
  }
  for (int c = 0; c < 3; ++c) {
    if (high[c] - low[c] > high[box.axis] - low[box.axis]) box.axis = c;
  }
  const double width = high[box.axis] - low[box.axis];
  if (end - begin > 1) box.spread = width * width * static_cast<double>(box.count);
  return box;
}

// Where half of its pixels lie on each side; both sides hold a cell.
size_t Middle(std::vector<Cell>& cells, const Box& box) {
  std::sort(cells.begin() + static_cast<std::ptrdiff_t>(box.begin),
            cells.begin() + static_cast<std::ptrdiff_t>(box.end),
            [&](const Cell& a, const Cell& b) { return a.Mean()[box.axis] < b.Mean()[box.axis]; });
  size_t middle = box.begin;
  for (int64_t seen = 0; middle + 1 < box.end && 2 * seen < box.count; ++middle) {
    seen += cells[middle].count;
  }
  return std::max(middle, box.begin + 1);
}

std::vector<Colour> MedianCut(std::vector<Cell> cells) {
  std::vector<Box> boxes{MakeBox(cells, 0, cells.size())};
  while (boxes.size() < kColours) {
    const auto widest = std::max_element(boxes.begin(), boxes.end(),
                                         [](auto& a, auto& b) { return a.spread < b.spread; });
    if (widest->spread <= 0) break;
    const Box box = *widest;
    const size_t middle = Middle(cells, box);
    *widest = MakeBox(cells, box.begin, middle);
    boxes.push_back(MakeBox(cells, middle, box.end));
  }
  std::vector<Colour> colours;
  for (const Box& box : boxes) {
    Cell all;
    for (size_t i = box.begin; i < box.end; ++i) {
      all.count += cells[i].count;
      for (int c = 0; c < 3; ++c) all.sum[c] += cells[i].sum[c];
    }
    colours.push_back(all.Mean());
  }
  return colours;
}

uint8_t Nearest(const std::vector<Colour>& colours, const Colour& wanted) {
  size_t best = 0;
  int best_distance = std::numeric_limits<int>::max();
  for (size_t i = 0; i < colours.size(); ++i) {
    int distance = 0;
    for (int c = 0; c < 3; ++c) {
      const int difference = colours[i][c] - wanted[c];
      distance += difference * difference;
    }
    if (distance < best_distance) best = i, best_distance = distance;
  }
  return static_cast<uint8_t>(best);
}

// Bayer's 8x8 thresholds, 0 to 63.
int Threshold(int64_t y, int64_t x) {
  int value = 0;
  for (int bit = 0; bit < 3; ++bit) {
    const int a = static_cast<int>(x >> bit & 1), b = static_cast<int>(y >> bit & 1);
    value = value << 2 | (a ^ b) << 1 | b;
  }
  return value;
}

}  // namespace

PalettePicture ToPalette(const uint8_t* rgb, int64_t width, int64_t height) {
  std::vector<Cell> bins(kBins);
  for (int64_t i = 0; i < width * height; ++i) {
    Cell& cell = bins[BinOf({rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]})];
    ++cell.count;
    for (int c = 0; c < 3; ++c) cell.sum[c] += rgb[3 * i + c];
  }
  std::erase_if(bins, [](const Cell& cell) { return cell.count == 0; });
  const std::vector<Colour> colours = MedianCut(std::move(bins));
  PalettePicture picture;
  for (size_t i = 0; i < kColours; ++i) {
    const Colour& colour = colours[i < colours.size() ? i : 0];
    picture.colours[i] = 0xFF000000u | static_cast<uint32_t>(colour[0]) << 16 |
                         static_cast<uint32_t>(colour[1]) << 8 | static_cast<uint32_t>(colour[2]);
  }
  // A picture of few colours needs no dithering; in others the pattern spans about the distance
  // between neighbours of the palette.
  const int strength = colours.size() < kColours ? 0 : 12;
  constexpr int16_t kUnknown = -1;
  std::vector<int16_t> nearest(kBins, kUnknown);
  picture.indices.resize(static_cast<size_t>(width * height));
  for (int64_t i = 0; i < width * height; ++i) {
    const int shift = strength * (2 * Threshold(i / width, i % width) - 63) / 126;
    Colour wanted{};
    for (int c = 0; c < 3; ++c) wanted[c] = std::clamp(rgb[3 * i + c] + shift, 0, 255);
    int16_t& found = nearest[BinOf(wanted)];
    if (found == kUnknown) found = Nearest(colours, wanted);
    picture.indices[i] = static_cast<uint8_t>(found);
  }
  return picture;
}

}  // namespace t3
