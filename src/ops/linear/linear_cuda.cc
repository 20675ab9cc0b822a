// Matrix products by cuBLASLt: arguments, and the choice of algorithm for each kind of product.
#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "kernels/device.h"
#include "kernels/linear.h"
#include "ops/autotuner.h"
#include "ops/dispatch.h"
#include "ops/linear/linear_impl.h"
#include "ops/linear/linear_tuning.h"
#include "ops/plan_table.h"

namespace t3 {
namespace {

constexpr int64_t kWorkspaceBytes = int64_t{32} << 20;  // NVIDIA's advice for Hopper
// Rows of one product where a large one is split: with many input channels several smaller products
// are up to a tenth faster, because what they read again is still in the cache.
constexpr int64_t kSplitRows[] = {16'384, 32'768, 65'536};
constexpr int64_t kTunedRowsMultiple = 32'768;
// Below this many multiply-accumulates launches cost more than tuning can win.
constexpr int64_t kMinTunedMacs = int64_t{1} << 33;
constexpr int kTunedRuns = 3;

bool linear_tuning = true;

const float* ScaleData(const at::Tensor& scale) {
  return scale.defined() ? scale.const_data_ptr<float>() : nullptr;
}

kernels::LinearArgs LinearArgsOf(const at::Tensor& out, const LinearInput& x,
                                 const LinearWeights& layer, const LinearEpilogue& epilogue) {
  return {.x = x.values.const_data_ptr(),
          .x_stride = x.values.stride(0),
          .weight = layer.weight.const_data_ptr(),
          .bias = layer.bias.const_data_ptr(),
          .y = out.mutable_data_ptr(),
          .y_stride = out.stride(0),
          .tokens = x.rows(),
          .in = x.values.size(1),
          .out = layer.weight.size(0),
          .gelu = epilogue.gelu,
          .add = epilogue.add,
          .x_scale = ScaleData(x.scale),
          .weight_scale = ScaleData(layer.scale)};
}

// How a product is run.
struct LinearPlan {
  kernels::LinearAlgorithm algorithm;
  int64_t rows = 0;  // per product; 0: all
};

// One product, or several of `plan.rows` rows.
void RunLinear(const kernels::LinearArgs& args, const LinearPlan& plan,
               const kernels::Workspace& workspace, kernels::Stream stream) {
  const int64_t step = plan.rows > 0 ? plan.rows : args.tokens;
  const auto element = static_cast<int64_t>(sizeof(c10::BFloat16));
  const int64_t x_element = args.fp8() ? 1 : element;
  for (int64_t first = 0; first < args.tokens; first += step) {
    kernels::LinearArgs rows = args;
    rows.tokens = std::min(step, args.tokens - first);
    rows.x = static_cast<const std::byte*>(args.x) + first * args.x_stride * x_element;
    if (args.fp8()) rows.x_scale += first;
    rows.y = static_cast<std::byte*>(args.y) + first * args.y_stride * element;
    kernels::LaunchLinear(rows, plan.algorithm, workspace, stream);
  }
}

// Every algorithm for the whole product, then for each split.
std::vector<LinearPlan> LinearPlans(const kernels::LinearArgs& args,
                                    const kernels::Workspace& workspace) {
  std::vector<LinearPlan> plans;
  const auto add = [&](int64_t rows) {
    kernels::LinearArgs one = args;
    if (rows > 0) one.tokens = rows;
    const int count = kernels::CountLinearAlgorithms(one, workspace);
    for (int i = 0; i < count; ++i) plans.push_back({{i, one.tokens}, rows});
  };
  add(0);
  for (const int64_t rows : kSplitRows) {
    if (rows < args.tokens) add(rows);
  }
  return plans;
}

// Rows of a product of `rows` that are timed.
int64_t TunedRows(int64_t rows) {
  const int64_t whole = std::min(rows, kMaxTunedRows) / kTunedRowsMultiple * kTunedRowsMultiple;
  return whole > 0 ? whole : rows;
}

// What decides the choice.
struct LinearShape {
  int64_t rows;  // TunedRows
  int64_t in;
  int64_t out;
  int64_t x_stride;
  int64_t y_stride;
  bool gelu;
  bool add;
  bool fp8;

  auto operator<=>(const LinearShape&) const = default;
};

struct TunedLinear {
  std::vector<LinearPlan> plans;
  Tuning tuning;

  static TunedLinear Create(const std::string& key, const kernels::LinearArgs& args,
                            const kernels::Workspace& workspace) {
    std::vector<LinearPlan> plans = LinearPlans(args, workspace);
    Candidates candidates{
        .names = {}, .build = [](size_t) { return true; }, .refusal = [] { return std::string(); }};
    for (const LinearPlan& plan : plans) {
      candidates.names.push_back(fmt::format("algorithm {}, {} rows", plan.algorithm.index,
                                             plan.algorithm.heuristic_rows));
    }
    TuningOptions options{.key = key, .max_candidates = plans.size(), .timed_runs = kTunedRuns};
    return {std::move(plans), Tuning(std::move(options), std::move(candidates), PlanInTable(key))};
  }
  const LinearPlan& chosen() const { return plans[tuning.chosen()]; }
};

std::string LinearName(const LinearShape& shape) {
  return fmt::format("{} product of {}x{} to {}, strides {} and {}{}{}", shape.fp8 ? "fp8" : "bf16",
                     shape.rows, shape.in, shape.out, shape.x_stride, shape.y_stride,
                     shape.gelu ? ", GELU" : "", shape.add ? ", sum" : "");
}

// Unlike convolutions and attention, products are tuned at once, on the first rows of these very
// matrices: a layer's shapes come hundreds of times in one forward.
TunedLinear TuneLinear(const LinearShape& shape, const at::Tensor& out, const LinearInput& x,
                       const LinearWeights& layer, const LinearEpilogue& epilogue,
                       const kernels::Workspace& workspace) {
  at::Tensor target = out.narrow(0, 0, shape.rows);
  kernels::LinearArgs args = LinearArgsOf(target, x.Slice(0, shape.rows), layer, epilogue);
  const std::string machine = kernels::CublasMachine(out.device().index());
  TunedLinear tuned = TunedLinear::Create(machine + ", " + LinearName(shape), args, workspace);
  if (tuned.tuning.state() == Tuning::State::kFromTable) return tuned;
  if (epilogue.add) {  // trials must not add to the real sum
    target = target.clone();
    args = LinearArgsOf(target, x.Slice(0, shape.rows), layer, epilogue);
  }
  tuned.tuning.RunAllTrials(out, [&](size_t plan) {
    RunLinear(args, tuned.plans[plan], workspace, CurrentStream(out));
    return true;
  });
  return tuned;
}

LinearPlan ChoosePlan(const at::Tensor& out, const LinearInput& x, const LinearWeights& layer,
                      const LinearEpilogue& epilogue, const kernels::Workspace& workspace) {
  if (!linear_tuning || x.values.numel() * out.size(1) < kMinTunedMacs) return {{0, x.rows()}, 0};
  static Autotuner<LinearShape, TunedLinear> tuner;
  const LinearShape shape{TunedRows(x.rows()), x.values.size(1), out.size(1),  x.values.stride(0),
                          out.stride(0),       epilogue.gelu,    epilogue.add, x.fp8()};
  return tuner.With(
      out.device().index(), shape,
      [&] { return TuneLinear(shape, out, x, layer, epilogue, workspace); },
      [](const TunedLinear& tuned) { return tuned.chosen(); });
}

bool IsContiguousAs(const at::Tensor& x, at::ScalarType dtype) {
  return x.scalar_type() == dtype && x.is_contiguous();
}

// cuBLASLt multiplies scales of rows on Hopper only.
bool SupportsLinearFp8Cuda(const LinearInput& x, const LinearWeights& layer) {
  constexpr int64_t kVector = 16;  // codes in 16 bytes
  return x.fp8() && x.values.is_cuda() && !PortableOnly() &&
         kernels::ComputeCapability(x.values.device().index()) == 90 && x.values.is_contiguous() &&
         IsAligned(x.values) && x.values.size(1) % kVector == 0 && layer.weight.is_contiguous() &&
         layer.weight.size(0) % kVector == 0 && IsContiguousAs(layer.bias, at::kBFloat16) &&
         IsContiguousAs(layer.scale, at::kFloat) && IsAligned(x.scale) && IsAligned(layer.scale);
}

}  // namespace

bool SupportsLinearCuda(const LinearInput& x, const LinearWeights& layer) {
  if (layer.fp8()) return SupportsLinearFp8Cuda(x, layer);
  return !x.fp8() && SupportsVectorAccess(x.values) && x.values.scalar_type() == at::kBFloat16 &&
         IsContiguousAs(layer.weight, at::kBFloat16) && IsContiguousAs(layer.bias, at::kBFloat16) &&
         layer.weight.size(0) % kernels::VectorElements(kernels::DType::kBFloat16) == 0;
}

void LinearCuda(const at::Tensor& out, const LinearInput& x, const LinearWeights& layer,
                const LinearEpilogue& epilogue) {
  const c10::DeviceGuard guard(out.device());
  const at::Tensor memory = at::empty({kWorkspaceBytes}, out.options().dtype(at::kByte));
  const kernels::Workspace workspace{memory.mutable_data_ptr(), kWorkspaceBytes};
  RunLinear(LinearArgsOf(out, x, layer, epilogue), ChoosePlan(out, x, layer, epilogue, workspace),
            workspace, CurrentStream(out));
}

void SetLinearTuning(bool on) { linear_tuning = on; }

}  // namespace t3
