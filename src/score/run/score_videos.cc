// ScoreVideos: the loop over the clips of a set, and what the set has in common.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/check.h"
#include "base/seconds_since.h"
#include "base/statistics.h"
#include "base/text.h"
#include "score/run/clip_scorer.h"
#include "score/run/clip_set.h"
#include "score/run/groups.h"
#include "score/run/score_state.h"
#include "t3video/score.h"

namespace t3 {
namespace {

constexpr const char* kTruth = "world_attributes";

// Progress in frames. Clips that were not opened yet count as long as those before them on average;
// those that were reused do not count.
class SetProgress {
 public:
  SetProgress(const ProgressFn& progress, int64_t clips)
      : progress_(progress), left_(clips), start_(std::chrono::steady_clock::now()) {}

  // Before frame `frame` of `frames` of the clip.
  void Frame(const std::string& clip, int64_t frame, int64_t frames) {
    in_clip_ = frame + 1;
    const int64_t known = done_ + frames;
    Report(done_ + frame, known + (left_ - 1) * known / (decoded_ + 1),
           fmt::format("{}, frame {} of {}", clip, frame + 1, frames));
  }
  void Finished(bool reused) {
    --left_;
    if (!reused) done_ += in_clip_, ++decoded_;
    in_clip_ = 0;
    if (left_ == 0) Report(done_, done_, "");
  }

 private:
  void Report(int64_t done, int64_t total, std::string detail) const {
    if (!progress_) return;
    ProgressEvent event{"scoring", done, total, SecondsSince(start_), -1};
    event.unit = "frames", event.detail = std::move(detail);
    if (done > 0)
      event.seconds_left =
          event.seconds * static_cast<double>(total - done) / static_cast<double>(done);
    progress_(event);
  }

  const ProgressFn& progress_;
  int64_t left_;  // clips
  std::chrono::steady_clock::time_point start_;
  int64_t done_ = 0, decoded_ = 0;  // frames, and their clips
  int64_t in_clip_ = 0;             // frames of the clip that is decoded
};

std::map<std::string, double> ValuesOf(const ScoreResult& result, const std::string& metric) {
  std::map<std::string, double> values;
  for (const ClipScores& clip : result.clips) {
    const auto found = clip.values.find(metric);
    if (found != clip.values.end()) values[clip.name] = found->second;
  }
  return values;
}

std::optional<double> TruthCorrelation(const std::map<std::string, double>& truth,
                                       const std::map<std::string, double>& values) {
  const Pairs pairs = PairsOf(truth, values, Better::kMore);
  const double correlation = RankCorrelation(pairs.a, pairs.b);
  return std::isnan(correlation) ? std::nullopt : std::optional(correlation);
}

void Summarise(ScoreResult& result) {
  const auto truth = ValuesOf(result, kTruth);
  for (const ScoreMetric& metric : ScoreMetrics()) {
    const std::string name(metric.name);
    const auto by_clip = ValuesOf(result, name);
    if (by_clip.empty()) continue;
    MetricSummary& summary = result.metrics.emplace_back();
    summary.metric = metric;
    std::vector<double> values;
    for (size_t i = 0; i < result.clips.size(); ++i) {
      const auto found = result.clips[i].values.find(name);
      if (found == result.clips[i].values.end()) continue;
      values.push_back(found->second), summary.ascending.push_back(i);
    }
    std::ranges::stable_sort(summary.ascending, [&](size_t a, size_t b) {
      return result.clips[a].values.at(name) < result.clips[b].values.at(name);
    });
    summary.mean = MeanOf(values);
    if (name != kTruth) summary.truth_correlation = TruthCorrelation(truth, by_clip);
  }
}

// A gap that every clip has for one reason becomes a note of the set.
void FoldGaps(ScoreResult& result) {
  if (result.clips.empty()) return;
  const std::vector<ScoreProblem> candidates = result.clips.front().gaps;
  for (const ScoreProblem& gap : candidates) {
    const auto same = [&gap](const ScoreProblem& other) {
      return other.group == gap.group && other.reason == gap.reason;
    };
    const bool everywhere = std::ranges::all_of(
        result.clips, [&](const ClipScores& clip) { return std::ranges::any_of(clip.gaps, same); });
    if (!everywhere) continue;
    for (ClipScores& clip : result.clips) std::erase_if(clip.gaps, same);
    result.notes.push_back(fmt::format("{} is left out: {}", gap.group, gap.reason));
  }
}

// Without any prompt in the set, metrics that need one are left out unless they were named.
void DropPromptMetrics(const ScoreRequest& request, const std::vector<SetClip>& clips,
                       std::vector<OpenedGroup>& groups, ScoreResult& result) {
  const bool any = std::ranges::any_of(clips, [](const SetClip& c) { return !c.prompt.empty(); });
  if (any || !request.metrics.empty() || !request.prompts.empty() || clips.empty()) return;
  std::erase_if(groups, [&](const OpenedGroup& opened) {
    const MetricNeeds& needs = opened.group.needs();
    const bool drop = needs.prompt && !needs.weights;
    if (drop) {
      result.notes.push_back(
          fmt::format("{} is left out: no clip has a prompt", opened.group.name));
    }
    return drop;
  });
}

}  // namespace

bool ScoreResult::complete() const {
  return !interrupted && failures.empty() &&
         std::ranges::all_of(clips, [](const ClipScores& c) { return c.failures.empty(); });
}

ScoreResult ScoreVideos(const ScoreRequest& request, const ProgressFn& progress,
                        const CancelToken* cancel) {
  if (request.inputs.empty())
    FailUsage(
        "there is no video to score; name videos, folders of PNG frames, or folders of either");
  ScoreResult result;
  const std::vector<SetClip> clips = ClipsOf(request, result);
  T3_CHECK(!clips.empty(), "there is no video to score: {}",
           result.failures.empty() ? "the inputs are empty" : result.failures.front().reason);
  std::vector<OpenedGroup> groups = OpenGroups(request, result);
  DropPromptMetrics(request, clips, groups, result);
  T3_CHECK(!groups.empty(), "there is no metric to compute{}",
           result.failures.empty() ? "" : ": " + result.failures.front().reason);
  ScoreState state(request.state);
  SetProgress set(progress, std::ssize(clips));
  for (const SetClip& clip : clips) {
    ClipScorer scorer(groups, state, [&](int64_t frame, int64_t frames) {
      if (cancel != nullptr && cancel->cancelled())
        throw Error("interrupted", ErrorKind::kInterrupted);
      set.Frame(clip.name, frame, frames);
    });
    try {
      result.clips.push_back(scorer.Score(clip));
    } catch (const Error&) {
      if (result.clips.empty()) throw;
      result.interrupted = true;
      break;
    }
    set.Finished(result.clips.back().reused);
  }
  FoldGaps(result);
  Summarise(result);
  return result;
}

ScoreComparison CompareScores(const StoredScores& a, const StoredScores& b) {
  ScoreComparison result;
  result.comparison.title_a = a.title, result.comparison.title_b = b.title;
  for (const auto& [clip, values] : a.clips) {
    if (!b.clips.contains(clip)) result.only_a.push_back(clip);
  }
  for (const auto& [clip, values] : b.clips) {
    if (!a.clips.contains(clip)) result.only_b.push_back(clip);
  }
  const auto of_metric = [](const StoredScores& scores, const std::string& metric) {
    std::map<std::string, double> values;
    for (const auto& [clip, all] : scores.clips) {
      const auto found = all.find(metric);
      if (found != all.end()) values[clip] = found->second;
    }
    return values;
  };
  for (const ScoreMetric& metric : ScoreMetrics()) {
    const std::string name(metric.name);
    const Pairs pairs = PairsOf(of_metric(a, name), of_metric(b, name), metric.better);
    if (pairs.gain.empty()) continue;
    const MeasureKind kind{metric.name, metric.name, metric.better, false};
    result.comparison.measures.push_back(
        {kind, MeanOf(pairs.a).mean, MeanOf(pairs.b).mean, MeanOf(pairs.gain), {}});
  }
  T3_CHECK(!result.comparison.measures.empty(),
           "A and B, {} and {}, share no clip: they pair by name, such as {} and {}", a.title,
           b.title, a.clips.empty() ? "none" : a.clips.begin()->first,
           b.clips.empty() ? "none" : b.clips.begin()->first);
  return result;
}

}  // namespace t3
