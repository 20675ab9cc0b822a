// t3 eval: plan, measure, record.
#include <algorithm>
#include <functional>

#include "base/atomic_file.h"
#include "base/check.h"
#include "eval/eval_memory.h"
#include "eval/eval_plan.h"
#include "eval/measure_clips.h"
#include "ops/attention/fp8_attention_counts.h"
#include "runtime/device.h"
#include "t3video/eval.h"

namespace t3 {
namespace {

class Evaluation {
 public:
  Evaluation(const EvalPlan& plan, const RunContext& context)
      : request_(plan.request),
        context_(context),
        batch_(plan.batch),
        measurer_(plan, context),
        record_(DescribeEval(plan, context.device)) {}

  // What was measured before an interruption counts, from the first clip on.
  EvalResult Run() {
    ClearFp8AttentionCounts();
    try {
      times_.Time("loading", [this] { measurer_.Load(); });
      record_.forward_seconds = measurer_.forward_seconds();
      MeasureClips();
      MeasureLosses();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInterrupted || record_.clips.empty()) throw;
      record_.interrupted = true;
    }
    Save();
    if (!request_.sheet.empty()) Write([this] { measurer_.sheet().Write(request_.sheet); });
    EvalResult result = ResultOf(record_);
    result.unwritten = unwritten_;
    return result;
  }

 private:
  void MeasureClips() {
    Stage stage(context_, "measuring", request_.clips, "clips");
    for (int64_t first = 0; first < request_.clips; first += batch_) {
      const int64_t count = std::min(batch_, request_.clips - first);
      for (ClipScore& score : measurer_.Measure(first, count)) {
        record_.clips.push_back(std::move(score));
      }
      Save();
      stage.Advance(first + count);
    }
  }

  void MeasureLosses() {
    if (request_.loss_clips == 0) return;
    Stage stage(context_, "validation loss", request_.loss_clips, "clips");
    for (int64_t i = 0; i < request_.loss_clips; ++i) {
      const double loss = measurer_.Loss(i);
      if (i >= std::ssize(record_.clips)) record_.clips.push_back(measurer_.Unmeasured(i));
      record_.clips[static_cast<size_t>(i)].measures["loss"] = loss;
      stage.Advance(i + 1);
    }
  }

  void Save() {
    std::map<std::string, double> seconds = measurer_.times().seconds();
    for (const auto& [part, more] : times_.seconds()) seconds[part] += more;
    record_.settings["took_seconds"] = seconds;
    record_.fp8_attention = CountFp8Attention();
    unwritten_.clear();  // it is written anew
    if (!request_.json.empty())
      Write([this] { WriteAtomically(request_.json, RecordJson(record_) + "\n"); });
  }

  // A full disk does not end the measuring.
  void Write(const std::function<void()>& write) {
    try {
      write();
    } catch (const Error& error) {
      unwritten_ += (unwritten_.empty() ? "" : "; ") + std::string(error.what());
    }
  }

  const EvalRequest& request_;
  const RunContext& context_;
  int64_t batch_;
  ClipMeasurer measurer_;
  TimeBreakdown times_{context_.device};
  EvalRecord record_;
  std::string unwritten_;
};

}  // namespace

EvalResult Evaluate(const ModelFiles& files, const RunOptions& options, const EvalRequest& request,
                    const ProgressFn& progress, const CancelToken* cancel, const EvalNoteFn& note) {
  const RunContext context{progress, cancel, ResolveDevice(options.device), options.memory_limit};
  SetUpDevice(context.device, options);
  EvalPlan plan = PlanEval(files, options, request, context);
  PlanMemoryOf(plan, options, context.device);
  for (const std::string& text : plan.notes()) {
    if (note) note(text);
  }
  return Evaluation(plan, context).Run();
}

}  // namespace t3
