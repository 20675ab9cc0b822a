// One pass: its image encoded, its denoiser loaded, its steps taken and saved.
#include "pipeline/denoising_pass.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <utility>

#include "loading/load_models.h"
#include "pipeline/decode.h"
#include "pipeline/ranks/follower.h"
#include "pipeline/state/checkpointer.h"
#include "runtime/device.h"
#include "sampling/noise.h"

namespace t3 {
namespace {

constexpr int64_t kPreviewEvery = 5;  // steps

// Pixels (H,W,3) of 0..255 -> (3,1,H,W) in [-1,1].
at::Tensor ImageTensor(const Image& image) {
  const at::Tensor bytes = at::from_blob(const_cast<uint8_t*>(image.rgb.data()),
                                         {image.height, image.width, 3}, at::kByte);
  return bytes.permute({2, 0, 1}).to(at::kFloat).mul(2.0 / 255.0).sub(1).unsqueeze(1).contiguous();
}

// The run's state before the first step of the pass that is left.
SamplerState StateBefore(const RunItem& item, const DenoisingPass& pass) {
  if (const SamplerState* from = ResumedState(item, pass)) return *from;
  SamplerState state;
  state.step = pass.first_step;
  return state;
}

}  // namespace

const SamplerState* ResumedState(const RunItem& item, const DenoisingPass& pass) {
  const std::optional<FoundRun>& found = item.planned->found;
  if (!found) return nullptr;
  const SamplerState& state = found->progress.sampler;
  const int64_t done = state.step - pass.first_step;
  // A state at the very end of the draft has the draft's latents.
  const bool begun = pass.first_step == 0 ? done >= 0 : done > 0;
  return begun && done <= pass.job.steps() ? &state : nullptr;
}

at::Tensor PassRunner::Run(RunItem& item, const DenoisingPass& pass) {
  const SamplerState* from = ResumedState(item, pass);
  if (from != nullptr && from->step == pass.first_step + pass.job.steps()) return from->latents;
  networks_.MakeRoomToDenoise(pass.memory);
  const at::Tensor first_frame = EncodeImage(item, pass);
  ReleaseCachedMemory(scope_.settings.device);
  return RunSteps(item, LoadDenoiser(pass), pass, first_frame);
}

at::Tensor PassRunner::EncodeImage(RunItem& item, const DenoisingPass& pass) const {
  if (!pass.image) return {};
  if (ResumedState(item, pass) != nullptr) return item.planned->found->progress.first_frame;
  const c10::NoGradGuard no_grad;
  const Grid& latent = pass.job.geometry.latent;
  const Vae vae = LoadVae(scope_.model, VaeHalf::kEncoder, at::kFloat, scope_.context);
  Stage stage(scope_.context, "encoding image", 1);
  const at::Tensor picture = ImageTensor(*pass.image);
  const EncodePlan plan = PlanEncode(vae.config(), {1, latent.h, latent.w}, vae.element_bytes(),
                                     DecodeBudget(scope_.context));
  const at::Tensor latents = vae.EncodeFrom(
      plan, [&](int64_t, int64_t) { return picture; }, [&] { scope_.context.CheckCancelled(); });
  stage.Finish(item.result.stages);
  return latents;
}

const Dit& PassRunner::LoadDenoiser(const DenoisingPass& pass) {
  return networks_.Denoiser({.model = pass.model,
                             .blocks = pass.memory.Blocks(),
                             .also_bf16 = ExcludedSteps(pass.job, scope_.settings.dtype) > 0,
                             .scratch_bytes = pass.memory.denoiser_scratch});
}

at::Tensor PassRunner::Noise(const RunItem& item, const DenoisingPass& pass) const {
  if (pass.last && item.planned->noise.defined()) return item.planned->noise;
  std::vector<int64_t> shape = LatentShape(scope_.model, pass.job);
  shape.insert(shape.begin(), 1);
  return TorchNoise(item.request().seed.value_or(0), shape).squeeze(0);
}

DenoiseInput PassRunner::InputOf(const RunItem& item, const DenoisingPass& pass,
                                 const RunProgress& progress) const {
  const Job& job = pass.job;
  DenoiseInput input;
  input.sampling = job.sampling;
  input.first_frame = progress.first_frame;
  input.prompt = progress.embeds.prompt.embeds;
  input.negative = progress.embeds.negative.embeds;
  input.seed = item.request().seed.value_or(0);
  input.segments = job.segments;
  input.excluded_steps = ExcludedSteps(job, scope_.settings.dtype);
  if (ResumedState(item, pass) != nullptr) {
    input.from = progress.sampler;
    input.from->step -= pass.first_step;
  } else {
    input.noise = Noise(item, pass);
    input.source = pass.source;
  }
  return input;
}

std::optional<Preview> PassRunner::OpenPreview(const RunItem& item) const {
  const PreviewOptions& options = item.request().preview;
  if (options.path.empty()) return std::nullopt;
  return Preview(
      options.path, options.every.value_or(kPreviewEvery), item.planned->identity.steps,
      LoadPreviewPainter(scope_.model, item.job(), scope_.settings.dtype, scope_.context));
}

// By all ranks; the result is on the host.
at::Tensor PassRunner::TakeSteps(const Dit& dit, const DenoisingPass& pass, DenoiseInput input,
                                 Stage& stage, const StepFn& after_step) const {
  const JobAttention& attention = pass.job.attention;
  const Grid& grid = pass.job.segment.grid;
  const DitConfig& config = pass.model.dit;
  const at::Device device = scope_.settings.device;
  const AttentionLayout layout = AttentionLayout::Make(
      attention.pattern, attention.windows, grid, config.num_layers, config.head_dim(), device);
  input.ranks = OrderDenoise(scope_.team, {attention.pattern,
                                           attention.windows,
                                           grid,
                                           {input.sampling.guidance, input.prompt, input.negative},
                                           pass.memory.split});
  return Denoise(dit, layout, input, device, stage, after_step).cpu();
}

at::Tensor PassRunner::RunSteps(RunItem& item, const Dit& dit, const DenoisingPass& pass,
                                const at::Tensor& first_frame) {
  const Request& request = item.request();
  const RunProgress progress{StateBefore(item, pass), prompts_.Of(item), first_frame, item.draft};
  DenoiseInput input = InputOf(item, pass, progress);
  const std::optional<Preview> preview = OpenPreview(item);
  const std::optional<int64_t> every = KeepsState(request) ? request.checkpoint.every : 0;
  Checkpointer checkpointer(item.planned->identity, every, progress, item.saved);
  // Not earlier: a request that is refused must not cost what a run before it left.
  if (KeepsState(request) && request.checkpoint.existing_state == ExistingState::kDiscard &&
      pass.first_step == 0) {
    RemoveRunState(request.output.path);
  }
  Stage stage(scope_.context, pass.name, pass.job.steps(), "steps");
  const auto after_step = [&](const StepReport& report) {
    SamplerState state = report.state;
    state.step += pass.first_step;
    if (preview) preview->AfterStep(state.step, report.clean);
    checkpointer.AfterStep(state, scope_.context);
  };
  at::Tensor latents;
  try {
    latents = TakeSteps(dit, pass, std::move(input), stage, after_step);
  } catch (...) {
    checkpointer.AfterFailure();
    item.saved = checkpointer.saved();
    throw;
  }
  stage.Finish(item.result.stages);
  if (!pass.last) checkpointer.SaveNow({pass.first_step + pass.job.steps(), latents, {}});
  item.saved = checkpointer.saved();
  return latents;
}

}  // namespace t3
