// Timing plans on the way: each call runs one, and its result is used.
#include "ops/convolution_choice.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "ops/dispatch.h"
#include "ops/timed_run.h"

namespace t3 {
namespace {

// Within what plans count for convolutions beside their tensors (plan/decode_plan.cc).
constexpr int64_t kMaxWorkspace = int64_t{256} << 20;
// A shape that does not come more often than this is not worth timing.
constexpr int64_t kCallsBeforeTiming = 4;
// L2, relative. Rounding to 8 bits moves values by 2^-8 / sqrt(3) of their power of two at
// most, 1.7e-3 of themselves on average over a binade; two results that round independently
// are 2.4e-3 apart. Orders of fp32 sums are far below that.
constexpr double kMaxDifference = 3e-3;

std::string KeyOf(const kernels::ConvolutionShape& shape, const std::string& machine) {
  return fmt::format("{}, bf16 {}x{} to {}, kernel {}, padding {}, stride {}", machine,
                     fmt::join(shape.x, "x"), shape.in, shape.out, fmt::join(shape.kernel, "x"),
                     fmt::join(shape.padding, "x"), fmt::join(shape.stride, "x"));
}

// A timed run: the first run of a plan loads its code, the second is timed.
struct Trial {
  size_t plan = 0;
  std::optional<TimedRun> timed;

  double Milliseconds() const {
    return timed ? timed->Milliseconds() : std::numeric_limits<double>::max();
  }
};

// One shape on one GPU.
class ShapeChoice {
 public:
  enum class Source { kNone, kTable, kTimed, kFirst };

  ShapeChoice(const kernels::ConvolutionShape& shape, std::string key,
              const ConvolutionSettings& settings)
      : key_(std::move(key)),
        choices_(static_cast<size_t>(settings.choices)),
        plans_(kernels::FindConvolutionPlans(shape, kMaxWorkspace)) {
    if (!plans_) return;
    TakeFromTable(settings.table);
    if (source_ == Source::kTable) return;
    FindCandidates(1);
    if (!trials_.empty()) source_ = Source::kFirst;
  }

  bool Run(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& y) {
    ++calls_;
    while (source_ != Source::kNone) {
      Trial* trial = TrialOfCall();
      const size_t plan = trial != nullptr ? trial->plan : chosen_;
      last_ = plan;
      const bool second = trial != nullptr && TrialCalls() % 2 == 1;
      if (second ? RunTimed(*trial, x, weight, y) : RunPlan(plan, x, weight, y)) return true;
      Refuse(plan);
    }
    return false;
  }

  // The fastest that was timed. Without at least two there is nothing to tell.
  void EndTiming() {
    const auto timed = std::ranges::count_if(trials_, [](const Trial& t) { return !!t.timed; });
    if (source_ != Source::kFirst || timed < 2) return;
    std::string times;
    double least = std::numeric_limits<double>::max();
    for (const Trial& trial : trials_) {
      const double ms = trial.Milliseconds();
      if (trial.timed) times += fmt::format("; {:.3f} ms {}", ms, plans_->Names()[trial.plan]);
      if (ms < least) {
        least = ms;
        chosen_ = trial.plan;
      }
    }
    spdlog::debug("{}: takes plan {}{}", key_, chosen_, times);
    source_ = Source::kTimed;
    trials_.clear();
  }

  // Whether timing found a plan that was not taken before.
  bool Take() { return source_ == Source::kTimed && !std::exchange(taken_, true); }

  Source source() const { return source_; }
  bool stale() const { return stale_; }
  const std::string& key() const { return key_; }
  std::string ChosenName() const { return plans_->Names()[chosen_]; }
  std::string LastName() const { return plans_->Names()[last_]; }

 private:
  void TakeFromTable(const ConvolutionTable& table) {
    const auto entry = table.find(key_);
    if (entry == table.end()) return;
    const auto found = std::ranges::find(plans_->Names(), entry->second);
    const auto plan = static_cast<size_t>(found - plans_->Names().begin());
    stale_ = found == plans_->Names().end() || !plans_->Build(plan);
    if (stale_) {
      spdlog::info("{}: cuDNN does not make the kept plan {} ({}); another is chosen", key_,
                   entry->second, plans_->Refusal());
      return;
    }
    chosen_ = plan;
    source_ = Source::kTable;
  }

  // Making a plan can take long, so the others are made when timing begins.
  void FindCandidates(size_t most) {
    for (size_t plan = trials_.empty() ? 0 : trials_.back().plan + 1;
         plan < plans_->Names().size() && trials_.size() < most; ++plan) {
      if (plans_->Build(plan)) {
        trials_.push_back({plan, std::nullopt});
      } else {
        spdlog::debug("{}: no plan {}: {}", key_, plans_->Names()[plan], plans_->Refusal());
      }
    }
    if (trials_.empty()) {
      spdlog::info("{}: cuDNN makes no plan: {}", key_, plans_->Refusal());
      return;
    }
    chosen_ = trials_.front().plan;
  }

  int64_t TrialCalls() const { return calls_ - 1 - kCallsBeforeTiming; }

  // The trial that this call belongs to, or null: one plan is known already, or not yet wanted.
  Trial* TrialOfCall() {
    if (source_ != Source::kFirst || choices_ < 2 || TrialCalls() < 0) return nullptr;
    if (TrialCalls() == 0) FindCandidates(choices_);
    if (trials_.size() < 2) return nullptr;
    const auto trial = static_cast<size_t>(TrialCalls() / 2);
    if (trial < trials_.size()) return &trials_[trial];
    EndTiming();
    return nullptr;
  }

  bool RunTimed(Trial& trial, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& y) {
    trial.timed = TimedRun::Of(x, [&] { return RunPlan(trial.plan, x, weight, y); });
    return trial.timed.has_value();
  }

  bool RunPlan(size_t plan, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& y) {
    const at::Tensor workspace =
        at::empty({plans_->WorkspaceBytes(plan)}, x.options().dtype(at::kByte));
    return plans_->Run(plan,
                       {.x = x.const_data_ptr(),
                        .weight = weight.const_data_ptr(),
                        .y = y.mutable_data_ptr(),
                        .workspace = workspace.mutable_data_ptr()},
                       CurrentStream(x));
  }

  // A plan that was built and does not run is not tried again.
  void Refuse(size_t plan) {
    spdlog::warn("{}: cuDNN does not run plan {}: {}", key_, plans_->Names()[plan],
                 plans_->Refusal());
    std::erase_if(trials_, [&](const Trial& trial) { return trial.plan == plan; });
    source_ = trials_.empty() ? Source::kNone : Source::kFirst;
    if (!trials_.empty()) chosen_ = trials_.front().plan;
  }

  std::string key_;
  size_t choices_;
  std::unique_ptr<kernels::ConvolutionPlans> plans_;
  Source source_ = Source::kNone;
  bool stale_ = false;
  bool taken_ = false;
  std::vector<Trial> trials_;
  size_t chosen_ = 0;
  size_t last_ = 0;
  int64_t calls_ = 0;
};

struct Chooser {
  std::mutex mutex;
  ConvolutionSettings settings;
  std::map<std::pair<int, kernels::ConvolutionShape>, ShapeChoice> shapes;  // by GPU
  std::map<int, std::string> machines;
  std::set<kernels::ConvolutionShape> own;
  bool checking = false;
  int64_t checked = 0, wrong = 0;
  double difference = 0;
};

Chooser& TheChooser() {
  static Chooser* chooser = new Chooser;  // plans outlive what unloads cuDNN
  return *chooser;
}

}  // namespace

void SetConvolutionSettings(ConvolutionSettings settings) {
  Chooser& chooser = TheChooser();
  const std::lock_guard lock(chooser.mutex);
  chooser.settings = std::move(settings);
  chooser.shapes.clear();
  chooser.own.clear();
  chooser.checked = chooser.wrong = 0;
  chooser.difference = 0;
}

ConvolutionTable TakeFoundPlans() {
  Chooser& chooser = TheChooser();
  const std::lock_guard lock(chooser.mutex);
  ConvolutionTable found;
  for (auto& [where, choice] : chooser.shapes) {
    choice.EndTiming();
    if (choice.Take()) found[choice.key()] = choice.ChosenName();
  }
  return found;
}

ConvolutionCounts CountConvolutions() {
  Chooser& chooser = TheChooser();
  const std::lock_guard lock(chooser.mutex);
  ConvolutionCounts counts{.own = static_cast<int64_t>(chooser.own.size()),
                           .checked = chooser.checked,
                           .wrong = chooser.wrong,
                           .difference = chooser.difference};
  for (const auto& [where, choice] : chooser.shapes) {
    counts.from_table += choice.source() == ShapeChoice::Source::kTable;
    counts.timed += choice.source() == ShapeChoice::Source::kTimed;
    counts.first += choice.source() == ShapeChoice::Source::kFirst;
    counts.libtorch += choice.source() == ShapeChoice::Source::kNone;
    counts.stale += choice.stale();
  }
  return counts;
}

bool ConvolutionKernelsAllowed() {
  Chooser& chooser = TheChooser();
  const std::lock_guard lock(chooser.mutex);
  return chooser.settings.choices > 0;
}

void CountOwnConvolution(const kernels::ConvolutionShape& shape) {
  Chooser& chooser = TheChooser();
  const std::lock_guard lock(chooser.mutex);
  chooser.own.insert(shape);
}

bool RunChosenPlan(const kernels::ConvolutionShape& shape, const at::Tensor& x,
                   const at::Tensor& weight, const at::Tensor& y) {
  Chooser& chooser = TheChooser();
  const std::lock_guard lock(chooser.mutex);
  if (chooser.settings.choices == 0) return false;
  const int device = x.device().index();
  auto found = chooser.shapes.find({device, shape});
  if (found == chooser.shapes.end()) {
    std::string& machine = chooser.machines[device];
    if (machine.empty()) machine = kernels::ConvolutionMachine(device);
    found = chooser.shapes
                .emplace(std::pair(device, shape),
                         ShapeChoice(shape, KeyOf(shape, machine), chooser.settings))
                .first;
  }
  return found->second.Run(x, weight, y);
}

void CheckConvolutions(bool on) { TheChooser().checking = on; }
bool ConvolutionsAreChecked() { return TheChooser().checking; }

void CheckConvolution(const kernels::ConvolutionShape& shape, const at::Tensor& y,
                      const at::Tensor& want) {
  const auto norm = [](const at::Tensor& t) {
    return at::linalg_vector_norm(t, 2, {}, false, at::kFloat).item<double>();
  };
  const double difference = norm(y - want) / std::max(norm(want), 1e-30);
  Chooser& chooser = TheChooser();
  const std::lock_guard lock(chooser.mutex);
  if (!(difference < kMaxDifference)) {
    const int device = y.device().index();
    const auto choice = chooser.shapes.find({device, shape});
    spdlog::error(
        "{}: {} is {:.2g} from libtorch's convolution",
        KeyOf(shape, kernels::ConvolutionMachine(device)),
        choice == chooser.shapes.end() ? "the own kernel" : "plan " + choice->second.LastName(),
        difference);
    ++chooser.wrong;
  }
  ++chooser.checked;
  chooser.difference = std::max(chooser.difference, difference);
}

}  // namespace t3
