// Window partitions of a token grid: which tokens attend to which, as index lists.
#pragma once

#include <cstdint>
#include <vector>

#include "config/attention.h"
#include "config/geometry.h"
#include "plan/window_group.h"

namespace t3 {

// Every token of a grid in exactly one window. Windows of equal length form one group, so that
// attention runs one batch per group. Groups have decreasing length; windows of a group have
// increasing window id (row-major over t,h,w windows); tokens of a window have increasing index.
struct Partition {
  std::vector<int32_t>
      order;  // (N): window-order position -> token index, tokens (t,h,w) row-major
  std::vector<WindowGroup> groups;  // cover [0, N) in order
  bool in_token_order = false;      // `order` is the identity
  int64_t windows() const;
};

// All partitions throw Error of kind kUsage unless 1 <= count <= size on every axis, and Error when
// the grid is empty or has 2^31 tokens or more. O(N).

// Contiguous: token (t,h,w) is in window (floor(t*n_t/T), floor(h*n_h/H), floor(w*n_w/W)). Windows
// are uneven where a count does not divide its axis; lengths then differ by one on that axis.
Partition ClosePartition(const Grid& grid, const WindowCounts& counts);

// Strided: token (t,h,w) is in window (t mod n_t, h mod n_h, w mod n_w).
Partition RemotePartition(const Grid& grid, const WindowCounts& counts);

// The close windows moved by half a window on each axis that has more than one, cut at the border:
// on an axis of X tokens and n > 1 windows the cuts lie at floor((2i-1)*X / (2n)), i = 1..n, so
// token x is in window floor((2n*(x+1) + X-1) / (2X)) of n+1. With even windows of w tokens these
// are exactly the windows of Swin's cyclic shift by floor(w/2) with its mask: floor(w/2) tokens,
// n-1 whole windows, ceil(w/2) tokens. Where half a window is less than a token, the first is empty
// and does not exist.
Partition ShiftedPartition(const Grid& grid, const WindowCounts& counts);

// One window with every token.
Partition FullPartition(const Grid& grid);

// Whether the close and the remote partition are the same: every count is 1 or the axis size.
bool Coincide(const Grid& grid, const WindowCounts& counts);

// Of ClosePartition without building it: whether its order is the identity, and how many tokens the
// largest group of equally long windows has (all of them where windows are even). RemotePartition's
// windows have the same lengths.
bool InTokenOrder(const Grid& grid, const WindowCounts& counts);
int64_t LargestGroup(const Grid& grid, const WindowCounts& counts);

// The partitions whose attention outputs a layer averages, one or two. kFull: one window. kT3:
// close and remote, or one where they coincide. kClose, kRemote: that one. kSwin: close in even
// layers, shifted in odd ones. Layer i uses cycle[i mod size]; kFull ignores the cycle, which may
// be empty then and only then.
std::vector<Partition> LayerPartitions(AttentionPattern pattern, const WindowCycle& cycle,
                                       const Grid& grid, int64_t layer);

// Layers with equal index have equal partitions, so a cache needs LayoutCount() entries, and
// LayerPartitions(..., index) are the partitions of every layer with that index.
int64_t LayoutCount(AttentionPattern pattern, int64_t cycle_size);
int64_t LayoutIndex(AttentionPattern pattern, int64_t cycle_size, int64_t layer);

}  // namespace t3
