// Bands that throw.
#include "media/row_bands.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace t3 {
namespace {

TEST(ParallelBands, CoverTheRows) {
  std::atomic<int64_t> rows{0};
  ParallelBands(101, 4, [&](int64_t begin, int64_t end) { rows += end - begin; });
  EXPECT_EQ(rows, 101);
}

TEST(ParallelBands, WhatAThreadThrowsIsThrownOnceAllHaveEnded) {
  std::atomic<int64_t> bands{0};
  const auto work = [&](int64_t begin, int64_t) {
    ++bands;
    if (begin > 0) throw std::runtime_error("no memory");
  };
  EXPECT_THROW(ParallelBands(64, 4, work), std::runtime_error);
  EXPECT_EQ(bands, 4);
}

}  // namespace
}  // namespace t3
