// Calls and tuning of the GPU's products.
#include "ops/linear_kernel.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "kernels/linear.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

constexpr int64_t kWorkspaceBytes = int64_t{32} << 20;  // what NVIDIA advises for Hopper
// Rows of one product where a large one is cut: with many input channels several smaller products
// are up to a tenth faster than one, for what they read again stays in the cache.
constexpr int64_t kCuts[] = {16'384, 32'768, 65'536};
constexpr int64_t kCutRows = 32'768;  // what tuning takes is a multiple of it
// Products of fewer multiply-accumulates are not worth tuning: launches cost more.
constexpr int64_t kMinTunedMacs = int64_t{1} << 33;
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

// How a kind of products is done.
struct Choice {
  kernels::LinearAlgorithm algorithm;
  int64_t rows = 0;  // of one product; 0: all
};

// One product, or several of `choice.rows` rows.
void Run(const kernels::LinearArgs& args, const Choice& choice, const kernels::Workspace& workspace,
         kernels::Stream stream) {
  const int64_t piece = choice.rows > 0 ? choice.rows : args.tokens;
  const auto element = static_cast<int64_t>(sizeof(c10::BFloat16));
  for (int64_t first = 0; first < args.tokens; first += piece) {
    kernels::LinearArgs part = args;
    part.tokens = std::min(piece, args.tokens - first);
    part.x = static_cast<const std::byte*>(args.x) + first * args.x_stride * element;
    part.y = static_cast<std::byte*>(args.y) + first * args.y_stride * element;
    kernels::Linear(part, choice.algorithm, workspace, stream);
  }
}

// Milliseconds of one run.
double TimeOf(const kernels::LinearArgs& args, const Choice& choice,
              const kernels::Workspace& workspace, const at::Tensor& on) {
  const c10::impl::VirtualGuardImpl device(on.device().type());
  const c10::Stream stream = device.getStream(on.device());
  c10::Event begin(on.device().type(), c10::EventFlag::BACKEND_DEFAULT);
  c10::Event end(on.device().type(), c10::EventFlag::BACKEND_DEFAULT);
  Run(args, choice, workspace, stream.native_handle());  // warm
  begin.record(stream);
  for (int i = 0; i < kTunedRuns; ++i) Run(args, choice, workspace, stream.native_handle());
  end.record(stream);
  end.synchronize();
  return begin.elapsedTime(end) / kTunedRuns;
}

// The fastest way to cut: all its candidates are timed.
std::pair<Choice, double> FastestOfCut(const kernels::LinearArgs& args, int64_t rows,
                                       const kernels::Workspace& workspace, const at::Tensor& on) {
  kernels::LinearArgs one = args;
  if (rows > 0) one.tokens = rows;
  std::pair<Choice, double> best{{}, std::numeric_limits<double>::max()};
  std::string times;
  const int candidates = kernels::LinearAlgorithms(one, workspace);
  for (int i = 0; i < candidates; ++i) {
    const Choice choice{{i, one.tokens}, rows};
    const double ms = TimeOf(args, choice, workspace, on);
    times += fmt::format(" {:.3f}", ms);
    if (ms < best.second) best = {choice, ms};
  }
  spdlog::debug("product of {} rows, {} to {}{}{}, {} at a time: candidates take{} ms", args.tokens,
                args.in, args.out, args.gelu ? ", GELU" : "", args.add ? ", sum" : "", one.tokens,
                times);
  return best;
}

Choice Fastest(const kernels::LinearArgs& args, const kernels::Workspace& workspace,
               const at::Tensor& on) {
  std::pair<Choice, double> best = FastestOfCut(args, 0, workspace, on);
  for (const int64_t rows : kCuts) {
    if (rows >= args.tokens) continue;
    const std::pair<Choice, double> cut = FastestOfCut(args, rows, workspace, on);
    if (cut.second < best.second) best = cut;
  }
  return best.first;
}

Choice Tune(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer,
            const LinearEpilogue& epilogue, const kernels::Workspace& workspace) {
  const int64_t rows = std::min(out.size(0), kMaxTunedRows) / kCutRows * kCutRows;
  const int64_t tuned = rows > 0 ? rows : out.size(0);
  at::Tensor target = out.narrow(0, 0, tuned);
  if (epilogue.add) target = target.clone();  // or what it holds would be spoilt
  return Fastest(ArgsOf(target, x.narrow(0, 0, tuned), layer, epilogue), workspace, out);
}

using Key = std::array<int64_t, 8>;

Choice Choose(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer,
              const LinearEpilogue& epilogue, const kernels::Workspace& workspace) {
  if (!tuning_on || x.numel() * out.size(1) < kMinTunedMacs) return {{0, x.size(0)}, 0};
  static std::mutex mutex;
  static std::map<Key, Choice> chosen;
  const Key key{x.device().index(), std::min(x.size(0), kMaxTunedRows),
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
         layer.weight.size(0) % kernels::VectorElements(kernels::DType::kBFloat16) == 0;
}

void LinearKernel(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer,
                  const LinearEpilogue& epilogue) {
  const c10::DeviceGuard guard(x.device());
  const at::Tensor memory = at::empty({kWorkspaceBytes}, x.options().dtype(at::kByte));
  const kernels::Workspace workspace{memory.mutable_data_ptr(), kWorkspaceBytes};
  Run(ArgsOf(out, x, layer, epilogue), Choose(out, x, layer, epilogue, workspace), workspace,
      CurrentStream(x));
}

void SetLinearTuning(bool on) { tuning_on = on; }

}  // namespace t3
