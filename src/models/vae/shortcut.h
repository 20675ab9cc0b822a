// The parameter-free shortcuts around the levels of VAE 2.2.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// Adds to `out` (B,Cout,T',2H,2W), in place, the copies of `in` (B,Cin,T,H,W) that stand for an
// upsampled video: out[o, t*ft+a, 2h+b, 2w+d] += in[(((o*ft+a)*2+b)*2+d) / rep, t, h, w],
// rep = Cout*ft*4/Cin, ft = time_factor. At the start of a video (`first`) the first ft-1 output
// frames do not exist, so T' = T*ft - (ft-1) there and T*ft otherwise.
void AddDuplicated(const at::Tensor& out, const at::Tensor& in, int64_t time_factor, bool first);

// in (B,Cin,T,H,W) -> (B,out_channels,T',H/fs,W/fs): the pixels of each block of ft x fs x fs
// become channels (c,a,b,d), groups of consecutive ones are averaged. At the start of a video ft-1
// zero frames stand in front and enter the mean.
at::Tensor AverageDown(const at::Tensor& in, int64_t out_channels, int64_t time_factor,
                       int64_t space_factor, bool first);

}  // namespace t3
