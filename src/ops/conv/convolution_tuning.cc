// The process's tuner of convolutions.
#include "ops/conv/convolution_tuning.h"

#include <charconv>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "ops/autotuner.h"
#include "ops/conv/convolution_shape.h"
#include "ops/cudnn_tuning.h"

namespace t3 {
namespace {

// Within what plan/decode_plan.cc counts for convolutions besides their tensors.
constexpr int64_t kMaxConvolutionWorkspace = int64_t{256} << 20;
// Shapes that do not come more often than this are not worth timing.
constexpr int64_t kConvolutionWarmupCalls = 4;
// A whole frame has at most so many times the rows of a part of it.
constexpr int64_t kMaxRowsAway = 8;

struct ConvolutionTuner {
  Autotuner<kernels::ConvolutionShape, TunedPlans> tuner;

  std::mutex mutex;  // of what follows
  std::shared_ptr<const ConvolutionSettings> settings =
      std::make_shared<const ConvolutionSettings>();
  std::set<kernels::ConvolutionShape> custom;
};

ConvolutionTuner& TheConvolutionTuner() {
  // Never destroyed: cuDNN is unloaded before static destructors run.
  static ConvolutionTuner* tuner = new ConvolutionTuner;
  return *tuner;
}

std::shared_ptr<const ConvolutionSettings> CurrentSettings() {
  ConvolutionTuner& all = TheConvolutionTuner();
  const std::lock_guard lock(all.mutex);
  return all.settings;
}

std::string TableKey(const std::string& machine, const kernels::ConvolutionShape& shape) {
  return machine + ", " + ConvolutionName(shape);
}

TunedPlans CreateTuned(const kernels::ConvolutionShape& shape, int device,
                       const ConvolutionSettings& settings) {
  const std::string machine = kernels::CudnnMachine(device);
  return TunedPlans::Create(
      kernels::FindConvolutionPlans(shape, kMaxConvolutionWorkspace),
      {.key = TableKey(machine, shape),
       .max_candidates = static_cast<size_t>(settings.choices),
       .warmup_calls = kConvolutionWarmupCalls},
      ConvolutionPlanIn(*CurrentPlanTable(), machine, shape, settings.of_nearest_rows));
}

}  // namespace

std::string ConvolutionPlanIn(const PlanTable& table, const std::string& machine,
                              kernels::ConvolutionShape shape, bool of_nearest_rows) {
  const auto exact = table.find(TableKey(machine, shape));
  if (exact != table.end()) return exact->second;
  if (!of_nearest_rows) return "";
  const int64_t rows = std::exchange(shape.x[1], 0);
  const std::string key = TableKey(machine, shape);
  const size_t at = key.find("x0x", machine.size()) + 1;  // of the rows, which no entry has as 0
  const std::string_view before = std::string_view(key).substr(0, at);
  const std::string_view behind = std::string_view(key).substr(at + 1);
  std::string plan;
  int64_t nearest = kMaxRowsAway * rows;
  for (const auto& [name, named] : table) {
    if (name.size() <= at + behind.size() || !name.starts_with(before) || !name.ends_with(behind))
      continue;
    int64_t height = 0;
    const char* const end = name.data() + name.size() - behind.size();
    if (std::from_chars(name.data() + at, end, height).ptr != end) continue;
    const int64_t away = std::abs(height - rows);
    if (away < nearest) plan = named, nearest = away;
  }
  return plan;
}

void SetConvolutionSettings(ConvolutionSettings settings) {
  ConvolutionTuner& all = TheConvolutionTuner();
  {
    const std::lock_guard lock(all.mutex);
    all.settings = std::make_shared<const ConvolutionSettings>(std::move(settings));
    all.custom.clear();
  }
  all.tuner.Clear();
}

bool ConvolutionKernelsAllowed() { return CurrentSettings()->choices > 0; }

void FinishConvolutionTuning() {
  TheConvolutionTuner().tuner.ForEach(
      [](const kernels::ConvolutionShape&, TunedPlans& tuned) { tuned.tuning.Finish(); });
}

ConvolutionCounts CountConvolutions() {
  ConvolutionTuner& all = TheConvolutionTuner();
  ConvolutionCounts counts;
  {
    const std::lock_guard lock(all.mutex);
    counts.custom = static_cast<int64_t>(all.custom.size());
  }
  all.tuner.ForEach([&](const kernels::ConvolutionShape&, const TunedPlans& tuned) {
    const Tuning& tuning = tuned.tuning;
    counts.from_table += tuning.state() == Tuning::State::kFromTable;
    counts.timed += tuning.state() == Tuning::State::kTimed;
    counts.first += tuning.state() == Tuning::State::kFirst;
    counts.libtorch += tuning.state() == Tuning::State::kRefused;
    counts.stale += tuning.stale();
  });
  return counts;
}

void CountCustomConvolution(const kernels::ConvolutionShape& shape) {
  ConvolutionTuner& all = TheConvolutionTuner();
  const std::lock_guard lock(all.mutex);
  all.custom.insert(shape);
}

std::optional<std::string> RunConvolutionPlan(const kernels::ConvolutionShape& shape,
                                              const at::Tensor& x, const at::Tensor& weight,
                                              const at::Tensor& y) {
  const auto settings = CurrentSettings();
  if (settings->choices == 0) return std::nullopt;
  const int device = x.device().index();
  return TheConvolutionTuner().tuner.With(
      device, shape, [&] { return CreateTuned(shape, device, *settings); },
      [&](TunedPlans& tuned) -> std::optional<std::string> {
        if (!tuned.Run(x, {x.const_data_ptr(), weight.const_data_ptr(), y.mutable_data_ptr()})) {
          return std::nullopt;
        }
        return tuned.tuning.last_name();
      });
}

}  // namespace t3
