// Generates, reads and scores clips.
#include "eval/measure_clips.h"

#include <algorithm>
#include <future>

#include "loading/load_models.h"
#include "pipeline/text_stage.h"
#include "training/vae/psnr.h"
#include "world/held_out.h"

namespace t3 {

ClipMeasurer::ClipMeasurer(const EvalPlan& plan, const RunContext& context)
    : plan_(plan),
      context_(context),
      networks_(plan.room, context.device),
      times_(context.device) {}

EvalItem ClipMeasurer::ItemOf(int64_t i) const {
  EvalItem item;
  item.number = plan_.request.first_seed + static_cast<uint64_t>(i);
  item.scene = HeldOutScene(item.number);
  item.caption = Caption(item.scene, item.scene.seed);
  item.noise_seed = plan_.request.seed + static_cast<uint64_t>(i);
  return item;
}

void ClipMeasurer::Load() {
  const EvalRequest& request = plan_.request;
  for (int64_t i = 0; i < std::max(request.clips, request.loss_clips); ++i) {
    items_.push_back(ItemOf(i));
  }
  if (!plan_.model) return;
  if (plan_.generates()) EncodeCaptions();
  const auto generator = [&](const ClipPlan& clips) {
    return std::make_unique<ClipGenerator>(plan_, clips, networks_, context_);
  };
  generator_ = generator(plan_.clips);
  if (plan_.generates()) forward_seconds_ = generator_->ForwardSeconds(items_.front());
  if (request.clips == 0) return;
  if (plan_.draft) {
    draft_generator_ = generator(*plan_.draft);
    generator_->RefineDraftsOf(*draft_generator_);
  }
  if (plan_.small) small_generator_ = generator(*plan_.small);
}

template <typename Work>
double ClipMeasurer::TimeWork(const std::string& part, Work work) {
  const double before = networks_.loading_seconds();
  const double seconds = times_.Time(part, work);
  const double loading = networks_.loading_seconds() - before;
  times_.Move(part, "loading", loading);
  return seconds - loading;
}

void ClipMeasurer::EncodeCaptions() {
  const std::string& negative = plan_.clips.job.negative_prompt;
  std::vector<std::string> texts{negative};
  for (const EvalItem& item : items_) texts.push_back(item.caption);
  std::vector<Result::Stage> stages;
  const auto encoded = EncodeTexts(*plan_.model, texts, plan_.dtype, context_, stages);
  for (EvalItem& item : items_) item.embeds = {encoded.at(item.caption), encoded.at(negative)};
}

at::Tensor ClipMeasurer::Truth(const EvalItem& item) {
  at::Tensor truth;
  times_.Time("rendering", [&] { truth = RenderScene(item.scene, plan_.view(), context_.device); });
  return truth;
}

std::vector<ClipScore> ClipMeasurer::Measure(int64_t first, int64_t count) {
  const std::vector<EvalItem> items(items_.begin() + first, items_.begin() + first + count);
  const EvalSource source = plan_.request.source;
  std::vector<at::Tensor> truths, videos, small;
  double seconds = 0;
  if (plan_.generates()) {
    seconds = TimeWork("making", [&] { videos = generator_->Generate(items); });
  }
  if (small_generator_) {
    TimeWork("making small", [&] { small = small_generator_->Generate(items); });
  }
  for (const EvalItem& item : items) {
    truths.push_back(Truth(item));
    if (source == EvalSource::kTruth) videos.push_back(truths.back());
    if (source == EvalSource::kVae) {
      TimeWork("making", [&] { videos.push_back(generator_->ThroughVae(truths.back())); });
    }
  }
  std::vector<ClipScore> scores;
  times_.Time("reading", [&] { scores = Score(items, videos, truths); });
  for (size_t i = 0; i < items.size(); ++i) {
    auto& measures = scores[i].measures;
    if (source == EvalSource::kVae) measures["psnr"] = Psnr(videos[i], truths[i]);
    if (plan_.generates()) measures["seconds"] = seconds / static_cast<double>(count);
    if (small_generator_) {
      measures["detail_over_bicubic"] = DetailOverEnlarged(videos[i], small[i]);
    }
    const bool below = source != EvalSource::kTruth;
    if (!plan_.request.sheet.empty()) sheet_.Add(videos[i], below ? truths[i] : at::Tensor());
  }
  return scores;
}

// The detector's many small operations leave a GPU idle, so clips are read concurrently there; on
// the CPU one clip uses all cores.
std::vector<ClipScore> ClipMeasurer::Score(const std::vector<EvalItem>& items,
                                           const std::vector<at::Tensor>& videos,
                                           const std::vector<at::Tensor>& truths) const {
  constexpr size_t kReaders = 8;
  const size_t together = context_.device.is_cuda() ? kReaders : 1;
  std::vector<ClipScore> scores;
  for (size_t first = 0; first < items.size(); first += together) {
    std::vector<std::future<ClipScore>> readings;
    for (size_t i = first; i < std::min(first + together, items.size()); ++i) {
      readings.push_back(std::async(
          together > 1 ? std::launch::async : std::launch::deferred,
          [&, i] { return ScoreClip(items[i].number, items[i].scene, videos[i], truths[i]); }));
    }
    for (std::future<ClipScore>& reading : readings) scores.push_back(reading.get());
  }
  for (size_t i = 0; i < items.size(); ++i) scores[i].caption = items[i].caption;
  return scores;
}

double ClipMeasurer::Loss(int64_t i) {
  const EvalItem& item = items_[static_cast<size_t>(i)];
  const at::Tensor truth = Truth(item);
  double loss = 0;
  TimeWork("losses",
           [&] { loss = generator_->Loss(item, truth, static_cast<int64_t>(plan_.request.seed)); });
  return loss;
}

ClipScore ClipMeasurer::Unmeasured(int64_t i) const {
  const EvalItem& item = items_[static_cast<size_t>(i)];
  ClipScore score;
  score.scene = item.number;
  score.caption = item.caption;
  score.wanted = item.scene.Values();
  return score;
}

}  // namespace t3
