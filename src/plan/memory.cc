// The memory model of the present implementation. Its constants and formulas are all here; an arena
// that hands out planned offsets will take their place.
#include "plan/memory.h"

#include <algorithm>
#include <limits>

#include "plan/decode_plan.h"
#include "plan/encode_plan.h"
#include "plan/partition.h"
#include "plan/vae_layers.h"

namespace t3 {
namespace {

constexpr int64_t kFloatBytes = 4;

// A GPU's context 0.9 GB, cuBLAS, cuDNN and attention workspaces 0.3 GB.
constexpr int64_t kGpuContext = 1'200'000'000;
// The process on the host: libraries and the allocator, with a GPU the driver's mappings as well.
constexpr int64_t kHostProcess = 400'000'000;
constexpr int64_t kHostProcessWithGpu = 3'000'000'000;

// Tensors of N x dim alive beside the scratch while a layer attends: x and q|k|v, and without the
// GPU's kernels normed q and k and the output of all heads.
constexpr int64_t kGpuDenoiserTensors = 1 + 3;
constexpr int64_t kDenoiserTensors = kGpuDenoiserTensors + 2 + 1;
// The same number of gathered q, k, v, window outputs and sums, for a group of heads.
constexpr int64_t kAttentionTensors = 6;
// Copies of the latents: x, noise, two velocities, the solver's history, patches in and out.
constexpr int64_t kLatentCopies = 10;

int64_t Context(const PlannedRun& run) { return run.on_gpu ? kGpuContext : 0; }

MemoryStage TextStage(const PlannedRun& run) {
  const TextEncoderConfig& text = *run.text;
  const int64_t rows = run.dit.text_len;
  const int64_t scores = 3 * text.num_heads * rows * rows;  // logits, bias, softmax
  const int64_t tokens = rows * (6 * text.dim + 4 * text.attention_dim + 3 * text.ffn_dim);
  return {"text encoder", TextEncoderParameters(text) * run.element_bytes,
          Context(run) + (scores + tokens) * kFloatBytes, ""};
}

// Index lists of every partition of the cycle, there and back.
int64_t PartitionBytes(const PlannedRun& run) {
  if (run.attention == AttentionPattern::kFull) return 0;
  const int64_t layouts = LayoutCount(run.attention, std::ssize(run.windows));
  const int64_t partitions = run.attention == AttentionPattern::kT3 ? 2 : 1;
  return layouts * partitions * 2 * run.video.grid.tokens() * static_cast<int64_t>(sizeof(int32_t));
}

// What the budget leaves beside weights and `beside`.
int64_t BudgetBeside(const PlannedRun& run, int64_t beside) {
  return run.device_budget > 0 ? run.device_budget - beside : std::numeric_limits<int64_t>::max();
}

// What the temporaries of a layer take where nothing limits them: of all heads, or of the FFN.
int64_t HeadsScratch(const PlannedRun& run) {
  return kAttentionTensors * run.video.grid.tokens() * run.element_bytes * run.dit.dim;
}

int64_t WantedScratch(const PlannedRun& run) {
  const int64_t ffn =
      run.video.grid.tokens() * run.element_bytes * (run.dit.ffn_dim + 2 * run.dit.dim);
  return std::max(HeadsScratch(run), ffn);
}

// What they may take: on a GPU what the budget leaves beside `others`, but one head's at least. On
// the CPU they are small beside the weights, and what is free there changes from run to run, which
// would change the order of sums.
int64_t AllowedScratch(const PlannedRun& run, int64_t others) {
  int64_t allowed = DenoiserScratchBytes(run.on_gpu);
  if (run.on_gpu) allowed = std::min(allowed, BudgetBeside(run, others));
  return std::max(allowed, HeadsScratch(run) / run.dit.num_heads);
}

MemoryStage DenoiserStage(const PlannedRun& run, int64_t* scratch) {
  const DitConfig& dit = run.dit;
  const int64_t tokens = run.video.grid.tokens();
  const int64_t latents =
      dit.latent_channels * run.video.latent.tokens() * kFloatBytes * kLatentCopies;
  const int64_t text =
      (run.two_branches ? 2 : 1) * dit.num_layers * 2 * dit.text_len * dit.dim * run.element_bytes;
  const int64_t weights = DitParameters(dit) * run.element_bytes;
  const int64_t beside =
      Context(run) +
      (run.on_gpu ? kGpuDenoiserTensors : kDenoiserTensors) * tokens * dit.dim * run.element_bytes +
      PartitionBytes(run) + text + latents;
  *scratch = AllowedScratch(run, weights + beside);
  return {"denoiser", weights, beside + std::min(WantedScratch(run), *scratch), ""};
}

int64_t FrameBytes(const PlannedRun& run) {
  return 3 * run.video.made_width * run.video.made_height * kFloatBytes;
}

MemoryStage ImageStage(const PlannedRun& run) {
  const Grid latent{1, run.video.latent.h, run.video.latent.w};
  const int64_t weights = EncoderLayers(run.vae, latent).parameters() * kFloatBytes;
  const int64_t beside = Context(run) + FrameBytes(run);
  const EncodePlan plan =
      FindEncodePlan(run.vae, latent, kFloatBytes, BudgetBeside(run, weights + beside))
          .value_or(MakeEncodePlan(run.vae, latent, kFloatBytes, latent.h));
  return {"image encoder", weights, beside + plan.memory.total, ""};
}

// The decoder's plan for what the budget leaves; where nothing fits, what the least would take.
MemoryStage DecoderStage(const PlannedRun& run) {
  const int64_t weights = DecoderLayers(run.vae, run.video.latent).parameters() * run.element_bytes;
  const int64_t latents = 2 * run.vae.latent_channels * run.video.latent.tokens() * kFloatBytes;
  const int64_t beside = Context(run) + latents;
  const int64_t budget = BudgetBeside(run, weights + beside);
  const DecodePlan plan =
      FindDecodePlan(run.vae, run.video.latent, run.element_bytes, budget)
          .value_or(SmallestDecodePlan(run.vae, run.video.latent, run.element_bytes));
  return {"decoder", weights, beside + plan.memory.total, DescribeDecodePlan(plan)};
}

MemoryStage HostStage(const PlannedRun& run, const MemoryStage& widest) {
  // Latents that move between the stages, frames on their way to the file.
  int64_t data = 4 * run.vae.latent_channels * run.video.latent.tokens() * kFloatBytes;
  data += FrameBytes(run) *
          (run.whole_video ? run.video.frames : kQueuedFrames + 2 * VaeConfig::kTimeStride);
  if (run.on_gpu) return {"host", 0, kHostProcessWithGpu + data, ""};
  return {"host", widest.weights, widest.activations + kHostProcess + data, ""};
}

}  // namespace

const MemoryStage& MemoryPlan::widest() const {
  return *std::ranges::max_element(device, {}, &MemoryStage::total);
}

MemoryPlan PlanMemory(const PlannedRun& run) {
  MemoryPlan plan;
  if (run.text) plan.device.push_back(TextStage(run));
  if (run.from_image) plan.device.push_back(ImageStage(run));
  plan.device.push_back(DenoiserStage(run, &plan.denoiser_scratch));
  plan.device.push_back(DecoderStage(run));
  plan.host = HostStage(run, plan.widest());
  return plan;
}

int64_t DenoiserScratchBytes(bool on_gpu) { return on_gpu ? 6'000'000'000 : 1'000'000'000; }

}  // namespace t3
