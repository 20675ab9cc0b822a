// Timing plans on the way: each call runs one, and its result is used.
#include "ops/attention_choice.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "kernels/attention.h"
#include "ops/dispatch.h"
#include "ops/timed_run.h"

namespace t3 {
namespace {

constexpr size_t kChoices = 4;
constexpr int64_t kPlanWorkspace = int64_t{64} << 20;
// Half a millisecond of work; making plans takes longer than shapes below it could repay.
constexpr double kMinFlop = 0x1p36;
// L2, relative. The result and the weights are rounded to bf16, each 1.7e-3 on average (see
// convolution_choice.cc), independently in two right results: 3.4e-3; a wrong one is off by 1.
constexpr double kMaxPlanDifference = 1e-2;
constexpr int64_t kComparedRows = 128;

struct Operands {
  const at::Tensor& q;
  const at::Tensor& k;
  const at::Tensor& v;
  const at::Tensor& out;
};

kernels::AttentionShape ShapeOf(const Operands& on) {
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
          .out = strides(on.out)};
}

// Of the first queries of the first head and the last ones of the last.
double DifferenceFromLibtorch(const Operands& on) {
  const int64_t rows = std::min(kComparedRows, on.q.size(1));
  double largest = 0;
  for (const bool last : {false, true}) {
    const auto head = [&](const at::Tensor& x) {  // (1, 1, L, d)
      return x.narrow(0, last ? x.size(0) - 1 : 0, 1)
          .narrow(2, last ? x.size(2) - 1 : 0, 1)
          .transpose(1, 2);
    };
    const auto queries = [&](const at::Tensor& x) {
      return head(x).narrow(2, last ? x.size(1) - rows : 0, rows);
    };
    const at::Tensor want = at::scaled_dot_product_attention(queries(on.q), head(on.k), head(on.v));
    const auto norm = [](const at::Tensor& x) {
      return at::linalg_vector_norm(x, 2, {}, false, at::kFloat).item<double>();
    };
    const double difference = norm(queries(on.out) - want) / std::max(norm(want), 1e-30);
    if (!(difference <= largest)) largest = difference;  // NaN too
  }
  return largest;
}

struct PlanTrial {
  size_t plan = 0;
  bool ran = false;
  std::optional<TimedRun> timed{};
  std::optional<double> ms{};
};

// One shape on one GPU.
class ShapePlans {
 public:
  explicit ShapePlans(const kernels::AttentionShape& shape)
      : plans_(kernels::FindAttentionPlans(shape, kPlanWorkspace)) {
    if (!plans_) return;
    for (size_t plan = 0; plan < plans_->Names().size() && trials_.size() < kChoices; ++plan) {
      if (plans_->Build(plan)) trials_.push_back({.plan = plan});
    }
  }

  bool Run(const Operands& on) {
    while (!trials_.empty()) {
      const auto next =
          std::ranges::find_if(trials_, [](const PlanTrial& t) { return !t.timed && !t.ms; });
      PlanTrial& trial = next == trials_.end() ? Fastest() : *next;
      if (RunTrial(trial, on)) return true;
      std::erase_if(trials_, [plan = trial.plan](const PlanTrial& t) { return t.plan == plan; });
    }
    return false;
  }

  std::string Describe() {
    if (trials_.empty()) return "libtorch";
    std::string text;
    const size_t chosen = Fastest().plan;
    for (const PlanTrial& trial : trials_) {
      if (!trial.ms) continue;
      text += fmt::format("{}{:.3f} ms{} {}", text.empty() ? "" : "; ", *trial.ms,
                          trial.plan == chosen ? " (taken)" : "", plans_->Names()[trial.plan]);
    }
    return text;
  }

 private:
  // Of those timed so far; the first before that.
  PlanTrial& Fastest() {
    PlanTrial* best = &trials_.front();
    for (PlanTrial& trial : trials_) {
      if (trial.timed) {
        trial.ms = trial.timed->Milliseconds();
        trial.timed.reset();
      }
      if (trial.ms && (!best->ms || *trial.ms < *best->ms)) best = &trial;
    }
    return *best;
  }

  // The first run of a plan loads its code and is checked, the second is timed.
  bool RunTrial(PlanTrial& trial, const Operands& on) {
    if (trial.ms) return RunPlan(trial.plan, on);
    if (!trial.ran) {
      if (!RunPlan(trial.plan, on)) return false;
      trial.ran = true;
      const double difference = DifferenceFromLibtorch(on);
      if (difference < kMaxPlanDifference) return true;
      spdlog::warn("cuDNN's attention plan {} is {:.2g} from libtorch's result and is not used",
                   plans_->Names()[trial.plan], difference);
      return false;
    }
    trial.timed = TimedRun::Of(on.q, [&] { return RunPlan(trial.plan, on); });
    return trial.timed.has_value();
  }

  bool RunPlan(size_t plan, const Operands& on) {
    const at::Tensor workspace =
        at::empty({plans_->WorkspaceBytes(plan)}, on.q.options().dtype(at::kByte));
    const bool ran = plans_->Run(plan,
                                 {.q = on.q.const_data_ptr(),
                                  .k = on.k.const_data_ptr(),
                                  .v = on.v.const_data_ptr(),
                                  .out = on.out.mutable_data_ptr(),
                                  .workspace = workspace.mutable_data_ptr()},
                                 CurrentStream(on.q));
    if (!ran) {
      spdlog::warn("cuDNN does not run attention plan {}: {}", plans_->Names()[plan],
                   plans_->Refusal());
    }
    return ran;
  }

  std::unique_ptr<kernels::AttentionPlans> plans_;
  std::vector<PlanTrial> trials_;
};

struct KnownShapes {
  std::mutex mutex;
  std::map<std::pair<int, kernels::AttentionShape>, ShapePlans> shapes;  // by GPU
};

KnownShapes& AllShapes() {
  static KnownShapes* known = new KnownShapes;  // plans outlive what unloads cuDNN
  return *known;
}

}  // namespace

bool AttendByPlan(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& out) {
  const double flop = 4.0 * static_cast<double>(q.numel()) * static_cast<double>(k.size(1));
  if (flop < kMinFlop || at::globalContext().deterministicCuDNN()) return false;
  const c10::DeviceGuard guard(q.device());
  const Operands on{q, k, v, out};
  const kernels::AttentionShape shape = ShapeOf(on);
  KnownShapes& known = AllShapes();
  const std::lock_guard lock(known.mutex);
  const std::pair<int, kernels::AttentionShape> key(q.device().index(), shape);
  auto found = known.shapes.find(key);
  if (found == known.shapes.end()) found = known.shapes.emplace(key, ShapePlans(shape)).first;
  return found->second.Run(on);
}

std::vector<std::string> DescribeAttentionPlans() {
  KnownShapes& known = AllShapes();
  const std::lock_guard lock(known.mutex);
  std::vector<std::string> lines;
  for (auto& [where, plans] : known.shapes) {
    const kernels::AttentionShape& shape = where.second;
    lines.push_back(fmt::format("{} x {} heads x {} rows, {} apart: {}", shape.batch, shape.heads,
                                shape.queries, shape.q[2], plans.Describe()));
  }
  return lines;
}

}  // namespace t3
