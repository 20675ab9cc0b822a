// Attention by cuDNN: shapes, verification and tuning of plans.
#include "ops/attention/attend_cudnn.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "base/check.h"
#include "kernels/attention.h"
#include "ops/autotuner.h"
#include "ops/cudnn_tuning.h"
#include "ops/plan_table.h"

namespace t3 {
namespace {

constexpr int64_t kMaxAttentionWorkspace = int64_t{64} << 20;
// L2, relative. The result and the weights are rounded to bf16, each 1.7e-3 on average (see
// convolution_checker.cc), independently in two correct results: 3.4e-3; a wrong result is off
// by 1.
constexpr double kMaxPlanDifference = 1e-2;
// The weights and the result are rounded to codes, each 2.6e-2 on average.
constexpr double kMaxCodesDifference = 1e-1;
constexpr int64_t kComparedRows = 128;

struct AttentionOperands {
  const at::Tensor& q;
  const at::Tensor& k;
  const at::Tensor& v;
  const at::Tensor& out;
  at::Tensor scales{};  // (8) fp32 of codes, else undefined
};

kernels::AttentionShape AttentionShapeOf(const AttentionOperands& on) {
  const auto strides = [](const at::Tensor& x) {
    return kernels::AttentionShape::Strides{x.stride(0), x.stride(2), x.stride(1)};
  };
  return {.batch = on.q.size(0),
          .heads = on.q.size(2),
          .queries = on.q.size(1),
          .keys = on.k.size(1),
          .head_dim = on.q.size(3),
          .q = strides(on.q),
          .k = strides(on.k),
          .v = strides(on.v),
          .out = strides(on.out),
          .fp8 = on.scales.defined()};
}

// Operand `i` of q, k, v, out as numbers.
at::Tensor Numbers(const AttentionOperands& on, const at::Tensor& x, int64_t i) {
  if (!on.scales.defined()) return x;
  const at::Tensor codes = x.to(at::kFloat);
  return i < 3 ? codes * on.scales[i] : codes / on.scales[5];
}

// Of the first queries of the first head and the last ones of the last.
double DifferenceFromLibtorch(const AttentionOperands& on) {
  const int64_t rows = std::min(kComparedRows, on.q.size(1));
  double max_difference = 0;
  for (const bool last : {false, true}) {
    const auto head = [&](const at::Tensor& x) {  // (1, 1, L, d)
      return x.narrow(0, last ? x.size(0) - 1 : 0, 1)
          .narrow(2, last ? x.size(2) - 1 : 0, 1)
          .transpose(1, 2);
    };
    const auto queries = [&](const at::Tensor& x) {
      return head(x).narrow(2, last ? x.size(1) - rows : 0, rows);
    };
    const at::Tensor want = at::scaled_dot_product_attention(
        Numbers(on, queries(on.q), 0), Numbers(on, head(on.k), 1), Numbers(on, head(on.v), 2));
    const auto norm = [](const at::Tensor& x) {
      return at::linalg_vector_norm(x, 2, {}, false, at::kFloat).item<double>();
    };
    const double difference =
        norm(Numbers(on, queries(on.out), 3) - want) / std::max(norm(want), 1e-30);
    if (!(difference <= max_difference)) max_difference = difference;  // NaN too
  }
  return max_difference;
}

using AttentionTuner = Autotuner<kernels::AttentionShape, TunedPlans>;

AttentionTuner& TheAttentionTuner() {
  // Never destroyed: cuDNN is unloaded before static destructors run.
  static AttentionTuner* tuner = new AttentionTuner;
  return *tuner;
}

// Everything that a plan depends on.
std::string AttentionName(const kernels::AttentionShape& shape) {
  const auto join = [](const kernels::AttentionShape::Strides& strides) {
    return fmt::format("{}", fmt::join(strides, "x"));
  };
  return fmt::format("{} attention of {} x {} heads x {} to {} rows of {}, strides {}, {}, {}, {}",
                     shape.fp8 ? "fp8" : "bf16", shape.batch, shape.heads, shape.queries,
                     shape.keys, shape.head_dim, join(shape.q), join(shape.k), join(shape.v),
                     join(shape.out));
}

bool RunPlan(const AttentionOperands& on, TunedPlans& tuned, const Tuning::VerifyFn& verify) {
  const void* q = on.q.const_data_ptr();
  const void* k = on.k.const_data_ptr();
  const void* v = on.v.const_data_ptr();
  void* out = on.out.mutable_data_ptr();
  if (!on.scales.defined()) return tuned.Run(on.q, {q, k, v, out}, verify);
  float* s = on.scales.mutable_data_ptr<float>();
  return tuned.Run(on.q, {q, k, v, out, s, s + 1, s + 2, s + 3, s + 4, s + 5, s + 6, s + 7},
                   verify);
}

bool AttendByPlan(const AttentionOperands& on) {
  if (at::globalContext().deterministicCuDNN()) return false;
  const c10::DeviceGuard guard(on.q.device());
  const kernels::AttentionShape shape = AttentionShapeOf(on);
  const int device = on.q.device().index();
  const auto create = [&] {
    const std::string key = kernels::CudnnMachine(device) + ", " + AttentionName(shape);
    return TunedPlans::Create(kernels::FindAttentionPlans(shape, kMaxAttentionWorkspace),
                              {.key = key}, PlanInTable(key));
  };
  const auto verify = [&]() -> std::string {
    const double difference = DifferenceFromLibtorch(on);
    if (difference < (shape.fp8 ? kMaxCodesDifference : kMaxPlanDifference)) return "";
    return fmt::format("its result is {:.2g} from libtorch's", difference);
  };
  return TheAttentionTuner().With(device, shape, create,
                                  [&](TunedPlans& tuned) { return RunPlan(on, tuned, verify); });
}

}  // namespace

bool AttendByCudnnPlan(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                       const at::Tensor& out) {
  const double flop = 4.0 * static_cast<double>(q.numel()) * static_cast<double>(k.size(1));
  if (flop < kMinPlanFlop) return false;
  return AttendByPlan({q, k, v, out});
}

bool AttendCodesByCudnnPlan(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& scales, const at::Tensor& out) {
  return AttendByPlan({q, k, v, out, scales});
}

std::vector<std::string> DescribeAttentionPlans() {
  std::vector<std::string> lines;
  TheAttentionTuner().ForEach([&](const kernels::AttentionShape& shape, TunedPlans& tuned) {
    tuned.tuning.Finish();
    const bool refused = tuned.tuning.state() == Tuning::State::kRefused;
    lines.push_back(fmt::format("{}: {}", AttentionName(shape),
                                refused ? "libtorch" : tuned.tuning.Describe()));
  });
  return lines;
}

}  // namespace t3
