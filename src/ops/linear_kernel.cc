// Calls and tuning of the GPU's products.
#include "ops/linear_kernel.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>

#include "kernels/linear.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

constexpr int64_t kWorkspaceBytes = int64_t{32} << 20;  // what NVIDIA advises for Hopper
// Tuned on so many rows at most: more rows are the same work again.
constexpr int64_t kMostTunedRows = 65'536;
// Products of fewer multiply-accumulates are not worth tuning: launches cost more.
constexpr int64_t kLeastTunedMacs = int64_t{1} << 33;
constexpr int kTunedRuns = 3;

bool tuning_on = true;

kernels::LinearArgs ArgsOf(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer,
                           const LinearEpilogue& epilogue) {
  return {.x = x.const_data_ptr(),
          .x_stride = x.stride(0),
          .weight = layer.weight.const_data_ptr(),
          .bias = layer.bias.const_data_ptr(),
          .y = out.mutable_data_ptr(),
          .y_stride = out.stride(0),
          .tokens = x.size(0),
          .in = x.size(1),
          .out = layer.weight.size(0),
          .gelu = epilogue.gelu,
          .add = epilogue.add};
}

// Milliseconds of one run of `algorithm`.
double TimeOf(const kernels::LinearArgs& args, int algorithm, const kernels::Workspace& workspace,
              const at::Tensor& on) {
  const c10::impl::VirtualGuardImpl device(on.device().type());
  const c10::Stream stream = device.getStream(on.device());
  c10::Event begin(on.device().type(), c10::EventFlag::BACKEND_DEFAULT);
  c10::Event end(on.device().type(), c10::EventFlag::BACKEND_DEFAULT);
  kernels::Linear(args, algorithm, workspace, stream.native_handle());  // warm
  begin.record(stream);
  for (int i = 0; i < kTunedRuns; ++i) {
    kernels::Linear(args, algorithm, workspace, stream.native_handle());
  }
  end.record(stream);
  end.synchronize();
  return begin.elapsedTime(end) / kTunedRuns;
}

int Fastest(const kernels::LinearArgs& args, const kernels::Workspace& workspace,
            const at::Tensor& on) {
  const int candidates = kernels::LinearAlgorithms(args, workspace);
  int best = 0;
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < candidates && candidates > 1; ++i) {
    const double ms = TimeOf(args, i, workspace, on);
    if (ms < least) {
      least = ms;
      best = i;
    }
  }
  return best;
}

int Tune(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer,
         const LinearEpilogue& epilogue, const kernels::Workspace& workspace) {
  const int64_t rows = std::min(out.size(0), kMostTunedRows);
  at::Tensor target = out.narrow(0, 0, rows);
  if (epilogue.add) target = target.clone();  // or what it holds would be spoilt
  return Fastest(ArgsOf(target, x.narrow(0, 0, rows), layer, epilogue), workspace, out);
}

using Key = std::array<int64_t, 8>;

int ChooseAlgorithm(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer,
                    const LinearEpilogue& epilogue, const kernels::Workspace& workspace) {
  if (!tuning_on || x.numel() * out.size(1) < kLeastTunedMacs) return 0;
  static std::mutex mutex;
  static std::map<Key, int> chosen;
  const Key key{x.device().index(), std::min(x.size(0), kMostTunedRows),
                x.size(1),          out.size(1),
                x.stride(0),        out.stride(0),
                epilogue.gelu,      epilogue.add};
  const std::lock_guard lock(mutex);
  const auto found = chosen.find(key);
  if (found != chosen.end()) return found->second;
  return chosen[key] = Tune(out, x, layer, epilogue, workspace);
}

}  // namespace

bool LinearKernelTakes(const at::Tensor& x, const LinearWeights& layer) {
  return KernelTakes(x) && x.scalar_type() == at::kBFloat16 &&
         layer.weight.scalar_type() == at::kBFloat16 && layer.weight.is_contiguous() &&
         layer.bias.scalar_type() == at::kBFloat16 && layer.bias.is_contiguous() &&
         layer.weight.size(0) % kernels::VectorElements(kernels::Element::kBFloat16) == 0;
}

void LinearKernel(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer,
                  const LinearEpilogue& epilogue) {
  const c10::DeviceGuard guard(x.device());
  const at::Tensor memory = at::empty({kWorkspaceBytes}, x.options().dtype(at::kByte));
  const kernels::Workspace workspace{memory.mutable_data_ptr(), kWorkspaceBytes};
  const int algorithm = ChooseAlgorithm(out, x, layer, epilogue, workspace);
  kernels::Linear(ArgsOf(out, x, layer, epilogue), algorithm, workspace, CurrentStream(x));
}

void SetLinearTuning(bool on) { tuning_on = on; }

}  // namespace t3
