// Sums over the shapes that a TAEHV allocates, and the search for a plan.
#include "plan/taehv_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace t3 {
namespace {

// A band may take so much whatever the blocks take.
constexpr int64_t kBandBytes = 256'000'000;
// A pass of more latent frames gains nothing: its launches take no measurable time.
constexpr int64_t kMaxPassFrames = 8;

using Stages = std::array<TaehvStageShapes, kTaehvStages>;

int64_t CacheElements(const Stages& stages) {
  int64_t elements = 0;
  for (const TaehvStageShapes& stage : stages) elements += kTaehvBlocks * Elements(stage.Cache());
  return elements;
}

// The widest moment of the blocks and of the layers between stages. A block's output is written
// into the next one's input.
int64_t StageElements(const Stages& stages) {
  int64_t widest = 0;
  for (size_t i = 0; i < stages.size(); ++i) {
    const TaehvStageShapes& stage = stages[i];
    const int64_t block = 2 * Elements(stage.Input()) + stage.BlockElements();
    widest = std::max(widest, block);
    if (i + 1 == stages.size()) break;
    const TaehvUpShapes up = stage.Up({0, 2 * stage.rows});
    widest = std::max(
        widest, Elements(stage.Input()) + up.WorkingElements() + Elements(stages[i + 1].Input()));
  }
  return widest;
}

// Of a band: the layers after the last stage's blocks, and pixels, which are copied twice as
// floats.
int64_t BandBytes(const TaehvTailShapes& tail, int64_t element_bytes) {
  const int64_t map = Elements(tail.Input());
  const int64_t elements = std::max(tail.up.WorkingElements() + map, map + Elements(tail.Output()));
  return elements * element_bytes + PixelBytes(tail.Packed());
}

// The band with the most rows and halos.
TaehvTailShapes InnerBand(const TaehvConfig& config, const TaehvStageShapes& last, int64_t rows) {
  const int64_t height = 2 * last.rows;
  const int64_t begin = std::min(rows, height - rows);
  return TaehvTailOf(config, last, {begin, begin + rows});
}

}  // namespace

TaehvPlan MakeTaehvPlan(const TaehvConfig& config, const Grid& latent, int64_t element_bytes,
                        int64_t latent_frames, int64_t band_rows) {
  const int64_t height = config.spatial_stride() / config.patch * latent.h;
  T3_CHECK(latent_frames >= 1 && band_rows >= 0 && band_rows <= height,
           "TAEHV plan: {} latent frames per pass, bands of {} of {} rows", latent_frames,
           band_rows, height);
  TaehvPlan plan;
  plan.latent = latent;
  plan.latent_frames = latent_frames;
  const Stages stages = TaehvStagesOf(config, latent, latent_frames);
  const TaehvStageShapes& last = stages.back();
  const int64_t blocks = StageElements(stages) * element_bytes;
  const int64_t beside = Elements(last.Input()) * element_bytes;  // the last blocks' output
  const auto band = [&](int64_t rows) {
    return BandBytes(InnerBand(config, last, rows), element_bytes);
  };
  plan.band_rows = band_rows > 0 ? band_rows : height;
  for (int64_t bands = 2; band_rows == 0 && plan.band_rows > 1 &&
                          band(plan.band_rows) > std::max(blocks - beside, kBandBytes);
       ++bands) {
    plan.band_rows = (height + bands - 1) / bands;
  }
  VaeMemory& memory = plan.memory;
  memory.caches = CacheElements(stages) * element_bytes;
  memory.working = std::max(blocks, beside + band(plan.band_rows));
  // A frame as it is assembled, cropped and on its way to the host.
  memory.pixels =
      3 * 3 * latent.h * latent.w * config.spatial_stride() * config.spatial_stride() * kFloatBytes;
  memory.total = kVaeWorkspace + memory.caches + memory.working + memory.pixels;
  return plan;
}

int64_t LargestTensor(const TaehvConfig& config, const TaehvPlan& plan) {
  const Stages stages = TaehvStagesOf(config, plan.latent, plan.latent_frames);
  int64_t largest = 0;
  for (const TaehvStageShapes& stage : stages) {
    largest = std::max({largest, Elements(stage.Input()),
                        stage.blocks == TaehvBlocks::kSuper ? 4 * Elements(stage.Cache()) : 0});
    if (&stage != &stages.back())
      largest = std::max(largest, Elements(stage.Up({0, 2 * stage.rows}).Wide()));
  }
  const TaehvTailShapes tail = InnerBand(config, stages.back(), plan.band_rows);
  return std::max({largest, Elements(tail.up.Wide()), Elements(tail.Input())});
}

std::optional<TaehvPlan> FindTaehvPlan(const TaehvConfig& config, const Grid& latent,
                                       int64_t element_bytes, int64_t budget) {
  for (int64_t frames = kMaxPassFrames; frames >= 1; frames /= 2) {
    TaehvPlan plan = MakeTaehvPlan(config, latent, element_bytes, std::min(frames, latent.t));
    if (plan.memory.total <= budget && LargestTensor(config, plan) <= kMaxTensorElements)
      return plan;
  }
  return std::nullopt;
}

TaehvPlan PlanTaehv(const TaehvConfig& config, const Grid& latent, int64_t element_bytes,
                    int64_t budget) {
  const auto plan = FindTaehvPlan(config, latent, element_bytes, budget);
  T3_CHECK(
      plan.has_value(),
      "decoding latents of {}x{} with TAEHV needs at least {} beside the weights, but {} are left; "
      "use a larger `memory-limit` or a smaller size",
      latent.w, latent.h, FormatBytes(MakeTaehvPlan(config, latent, element_bytes, 1).memory.total),
      FormatBytes(std::max<int64_t>(budget, 0)));
  return *plan;
}

int64_t PreviewBytes(const TaehvConfig& config, const Grid& latent, int64_t element_bytes) {
  const Grid some{std::min(latent.t, kPreviewLatents), latent.h, latent.w};
  return MakeTaehvPlan(config, some, element_bytes, 1).memory.total;
}

std::string DescribeTaehvPlan(const TaehvPlan& plan) {
  return fmt::format("whole frames, {} latent frame{} per pass", plan.latent_frames,
                     plan.latent_frames == 1 ? "" : "s");
}

}  // namespace t3
