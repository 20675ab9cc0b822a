// Memory of a run by stage; denoiser_memory.cc has the denoiser's.
#include "plan/memory.h"

#include <algorithm>
#include <array>
#include <limits>

#include "arch/decoder.h"
#include "arch/taehv.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "plan/decode_plan.h"
#include "plan/denoiser_memory.h"
#include "plan/encode_plan.h"
#include "plan/taehv_plan.h"

namespace t3 {
namespace {

// GPU memory of a process outside the allocator: the context, code and workspaces of libtorch,
// cuBLAS and cuDNN. 0.74 GB on an H200, 0.83 GB with streamed weights;
// `device_context_bytes` of a record is the measured figure.
constexpr int64_t kGpuLibraries = 800'000'000;
// As kHostProcess, and the driver's mappings.
constexpr int64_t kHostProcessWithGpu = 3'000'000'000;

int64_t Context(const PlannedRun& run) { return run.on_gpu ? kGpuLibraries : 0; }

StageMemory TextStage(const PlannedRun& run) {
  const TextEncoderConfig& text = *run.text;
  const int64_t rows = run.dit.text_len;
  const int64_t scores = 3 * text.num_heads * rows * rows;  // logits, bias, softmax
  const int64_t tokens = rows * (6 * text.dim + 4 * text.attention_dim + 3 * text.ffn_dim);
  const int64_t activations = (scores + tokens) * kFloatBytes;
  const TensorTable table = TextEncoderTensors(text);
  if (run.text_stored_bytes == 0 && !run.text_fp8) {
    return {StageKind::kTextEncoder, WeightBytes(table, run.element_bytes), activations,
            Context(run), ""};
  }
  // One block at a time is converted.
  const int64_t stored = run.text_stored_bytes > 0 ? run.text_stored_bytes : run.element_bytes;
  TextEncoderConfig block = text;
  block.num_layers = 1;
  block.vocab_size = 0;
  return {StageKind::kTextEncoder,
          TextWeightBytes(table, stored, run.text_fp8) +
              WeightBytes(TextEncoderTensors(block), run.element_bytes),
          activations, Context(run), "weights converted block by block"};
}

// What the budget leaves after `reserved` bytes.
int64_t BudgetAfter(const PlannedRun& run, int64_t reserved) {
  return run.device_budget > 0 ? run.device_budget - reserved : std::numeric_limits<int64_t>::max();
}

int64_t PreviewWeights(const PlannedRun& run) {
  return run.preview ? WeightBytes(TaehvDecoderTensors(*run.preview), run.element_bytes) : 0;
}

// A preview is decoded between two steps, when the denoiser's layers have nothing in memory.
StageMemory DenoiserStage(const PlannedRun& run, const DenoiserMemory& memory) {
  StageMemory stage{StageKind::kDenoiser,
                    memory.weights + PreviewWeights(run),
                    memory.activations,
                    Context(run),
                    memory.host_weights > 0    ? "block weights streamed from host memory"
                    : run.dit_stored_bytes > 0 ? "weights converted block by block"
                                               : "",
                    memory.host_weights > 0};
  if (run.preview) {
    const int64_t preview = PreviewBytes(*run.preview, run.video.latent, run.element_bytes);
    stage.activations = std::max(stage.activations, memory.between_steps + preview);
    stage.note += stage.note.empty() ? "previews by TAEHV" : "; previews by TAEHV";
  }
  return stage;
}

int64_t FrameBytes(const VideoGeometry& video) {
  return 3 * video.padded_width * video.padded_height * kFloatBytes;
}

// Latent rows of the largest part of a decode or encode that ranks share, with neighbours on both
// sides where there are more than two; all rows where it is not shared.
RowRange TallestPart(const PlannedRun& run) {
  const int64_t ranks = run.split.ranks(), rows = run.video.latent.h;
  if (ranks == 1 || ranks > rows) return {};
  RowRange tallest;
  for (int64_t i = 0; i < ranks; ++i) {
    const RowRange part = PartRows(rows, i, ranks);
    if (part.size() > tallest.size() || (part.size() == tallest.size() && i == 1)) tallest = part;
  }
  return tallest;
}

StageMemory EncoderStage(const PlannedRun& run) {
  const Grid latent{run.encoded_frames, run.video.latent.h, run.video.latent.w};
  const int64_t element = run.encoder_bytes;
  const int64_t weights = WeightBytes(VaeTensors(run.vae, VaeHalf::kEncoder), element);
  // The frames of one call of the frame source, and the latents of the window.
  const int64_t inputs =
      FrameBytes(run.video) * std::min(run.encoded_frames, VaeConfig::kTimeStride) +
      run.vae.latent_channels * latent.tokens() * kFloatBytes;
  const int64_t budget = BudgetAfter(run, Context(run) + weights + inputs);
  const bool image = run.encoded_frames == 1;
  const EncodePlan plan =
      FindEncodePlan(run.vae, latent, element, budget, image ? RowRange{} : TallestPart(run))
          .value_or(MakeEncodePlan(run.vae, latent, element, latent.h, 1));
  int64_t bytes = plan.memory.total;
  // As in pipeline/encode_clip.cc.
  const bool again = plan.slabs.size() > 1 || run.encoded_frames < run.video.latent.t;
  const int64_t held = HeldFrameBytes(run.vae, plan);
  if (run.on_gpu && !image && again && held <= budget - bytes) bytes += held;
  return {image ? StageKind::kImageEncoder : StageKind::kVideoEncoder, weights, inputs + bytes,
          Context(run), ""};
}

// How a decoder uses what the budget leaves; if no plan fits, the smallest.
struct DecoderUse {
  int64_t bytes = 0;
  std::string note;
};

DecoderUse UseOf(const VaeConfig& config, const PlannedRun& run, int64_t budget) {
  const Grid& latent = run.video.latent;
  const DecodePlan plan =
      FindDecodePlan(config, latent, run.element_bytes, budget, TallestPart(run))
          .value_or(SmallestDecodePlan(config, latent, run.element_bytes));
  return {plan.memory.total, DescribeDecodePlan(plan)};
}

DecoderUse UseOf(const TaehvConfig& config, const PlannedRun& run, int64_t budget) {
  const Grid& latent = run.video.latent;
  const TaehvPlan plan = FindTaehvPlan(config, latent, run.element_bytes, budget)
                             .value_or(MakeTaehvPlan(config, latent, run.element_bytes, 1));
  return {plan.memory.total, DecoderName(config) + ", " + DescribeTaehvPlan(plan)};
}

StageMemory DecoderStage(const PlannedRun& run) {
  const DecoderConfig decoder = run.decoder.value_or(run.vae);
  const int64_t weights = WeightBytes(DecoderTensors(decoder), run.element_bytes);
  const int64_t latents = 2 * run.vae.latent_channels * run.video.latent.tokens() * kFloatBytes;
  const int64_t frames = run.on_gpu ? 0 : WaitingFrameBytes(run.video);
  const int64_t budget = BudgetAfter(run, Context(run) + weights + latents + frames);
  const DecoderUse use =
      std::visit([&](const auto& config) { return UseOf(config, run, budget); }, decoder);
  return {StageKind::kDecoder, weights, latents + frames + use.bytes, Context(run), use.note};
}

}  // namespace

std::string_view StageName(StageKind kind) {
  constexpr std::array<std::string_view, 9> kNames{
      "text encoder",        "image encoder",  "video encoder", "denoiser", "decoder",
      "draft image encoder", "draft denoiser", "draft decoder", "host"};
  return kNames[static_cast<size_t>(kind)];
}

StageMemory HostStage(const PlannedRun& run, const StageMemory& at_work) {
  // Latents that move between the stages. Segments are denoised from latents, velocities and the
  // solver's history on the host.
  const int64_t data =
      (run.segment ? 9 : 4) * run.vae.latent_channels * run.video.latent.tokens() * kFloatBytes;
  if (run.on_gpu) {
    return {StageKind::kHost, 0, kHostProcessWithGpu + data + WaitingFrameBytes(run.video), 0, ""};
  }
  return {StageKind::kHost, at_work.weights, at_work.activations + kHostProcess + data, 0, ""};
}

int64_t WaitingFrameBytes(const VideoGeometry& video) {
  return FrameBytes(video) * (kQueuedFrames + 2 * VaeConfig::kTimeStride);
}

const StageMemory& MemoryPlan::widest() const {
  return *std::ranges::max_element(device, {}, &StageMemory::total);
}

MemoryPlan PlanMemory(const PlannedRun& run) {
  MemoryPlan plan;
  if (run.text) plan.device.push_back(TextStage(run));
  if (run.encoded_frames > 0) plan.device.push_back(EncoderStage(run));
  const DenoiserMemory denoiser =
      PlanDenoiser(run, BudgetAfter(run, Context(run) + PreviewWeights(run)));
  plan.denoiser_scratch = denoiser.scratch;
  plan.stream_weights = denoiser.host_weights > 0;
  plan.device.push_back(DenoiserStage(run, denoiser));
  plan.device.push_back(DecoderStage(run));
  plan.host = HostStage(run, plan.widest());
  plan.host.weights += denoiser.host_weights;
  return plan;
}

}  // namespace t3
