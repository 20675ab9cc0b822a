// What tests/data stores of a decoded video.
#pragma once

#include <ATen/ATen.h>

namespace t3 {

// (3, t, h, w) to (t, h, w): of each pixel channel (t + h + w) mod 3, as tools/make_reference.py
// has it. A fault at one pixel or in one channel still shows.
inline at::Tensor OneChannel(const at::Tensor& video) {
  const at::Tensor t = at::arange(video.size(1)).view({-1, 1, 1});
  const at::Tensor h = at::arange(video.size(2)).view({-1, 1});
  const at::Tensor channel = (t + h + at::arange(video.size(3))).remainder(3);
  return video.gather(0, channel.unsqueeze(0).to(video.device()))[0];
}

}  // namespace t3
