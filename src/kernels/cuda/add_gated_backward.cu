// The gradient of the gated residual: every tensor is read or written once.
#include "kernels/add_gated_backward.h"
#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/row_gradient.cuh"
#include "kernels/cuda/token_rows.cuh"

namespace t3::kernels {
namespace {

template <typename T, int NV>
__global__ void __launch_bounds__(kRowGradientThreads)
    AddGatedBackwardKernel(const AddGatedBackwardArgs args, int group) {
  constexpr int kN = kLanes<T>;
  extern __shared__ float shared[];
  const RowGroup<NV, kN> row(args.tokens.channels, group);
  float gate[NV][kN], dg[NV][kN] = {};
  row.Load(args.gate + VectorOffset(args.tokens), true, gate);
  row.ForEachRow(args.tokens.tokens_per_row, [&](int64_t position, bool inside) {
    if (!inside) return;
    const int64_t offset = TokenOffset(args.tokens, position);
    row.ForEachVector([&](int i, int channel) {
      float d[kN], y[kN];
      Load(static_cast<const T*>(args.d), offset + channel, d);
      Load(static_cast<const T*>(args.y), offset + channel, y);
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        dg[i][j] += d[j] * y[j];
        d[j] *= gate[i][j];
      }
      Store(static_cast<T*>(args.dy), offset + channel, d);
    });
  });
  row.WriteBlockSums(dg, shared, args.gate_sums + SumsOffset(args.tokens));
}

}  // namespace

void LaunchAddGatedBackward(const AddGatedBackwardArgs& args, Stream stream) {
  CheckTokenRows("AddGatedBackward", args.tokens);
  DispatchDType(args.tokens.type, [&]<typename T>() {
    DispatchRowGroups<T>(args.tokens.channels, [&](const RowGradientLaunch& launch, auto vectors) {
      AddGatedBackwardKernel<T, decltype(vectors)::value>
          <<<GridOf(args.tokens), kRowGradientThreads, launch.shared, ToCuda(stream)>>>(
              args, launch.group);
    });
  });
  CheckLaunch("AddGatedBackward");
}

}  // namespace t3::kernels
