// Loads the networks that every objective needs.
#include "training/distill/networks.h"

#include <ATen/ATen.h>

#include "pipeline/text_stage.h"
#include "training/dit/recompute.h"

namespace t3 {
namespace {

SegmentRunners RunnersOf(const DistillConfig& config) {
  if (config.activations == Activations::kStore) return {};
  return Recompute(config.activations == Activations::kOffload);
}

at::Tensor EncodeNegative(const TeacherModel& teacher, const ModelInfo& base,
                          const BatchSource& source, at::ScalarType dtype,
                          const RunContext& context) {
  if (teacher.guidance == 1) return {};
  const std::string& prompt = teacher.negative_prompt;
  const at::Tensor stored = prompt.empty() ? source.EmptyText() : at::Tensor();
  if (stored.defined()) return stored.to(context.device);
  std::vector<Result::Stage> stages;
  return EncodeTexts(base, {prompt}, dtype, context, stages).at(prompt).embeds.to(context.device);
}

}  // namespace

DistillNetworks::DistillNetworks(const DistillConfig& run, const ModelInfo& base,
                                 const TeacherModel& of, std::unique_ptr<BatchSource> batches,
                                 at::ScalarType compute_dtype, const RunContext& context)
    : config(run),
      model(base),
      teacher_model(of),
      dtype(compute_dtype),
      device(context.device),
      runners(RunnersOf(run)),
      source(std::move(batches)),
      teacher_weights(LoadFrozenDit(of.model, dtype, device)),
      student(base, run.lora, of.is_base ? teacher_weights : nullptr, run.seed, dtype, device),
      attention(base, run, device),
      teacher(Dit(of.model.dit, *teacher_weights), TeacherAttention(), of.guidance,
              EncodeNegative(of, base, *source, dtype, context)) {}

AttentionCache DistillNetworks::TeacherAttention() const {
  return {teacher_model.model, config.teacher.attention, device};
}

DistillBatch DistillNetworks::Get(int64_t step, int64_t micro) {
  Batch batch = source->Get(step, micro);
  DistillBatch got{batch.latents.to(device, at::kFloat), {}, std::move(batch.items)};
  if (batch.drafts.defined()) got.drafts = batch.drafts.to(device, at::kFloat);
  got.weights = batch.weights;
  for (const at::Tensor& text : batch.text) got.texts.push_back(text.to(device));
  return got;
}

RolloutStart DistillNetworks::StartOf(const DistillBatch& batch, const StepRandom& random) const {
  RolloutStart start;
  const std::vector<int64_t> shape = batch.latents.sizes().vec();
  start.noise = random.Normal(Draw::kNoise, shape, device);
  if (Solver(config.sampling, [](int64_t) { return at::Tensor(); }).sigma(0) < 1) {
    start.clean = batch.latents;
  }
  start.renoise = [random, shape, place = device](int64_t step) {
    return random.Normal(Draw::kRenoise, shape, place, step);
  };
  return start;
}

VelocityFn DistillNetworks::VelocityOf(const CaptionedDit& captioned) {
  return [this, &captioned](const at::Tensor& x, double timestep) {
    const std::vector<double> timesteps(static_cast<size_t>(x.size(0)), timestep);
    return captioned.Velocity(x, timesteps, attention.For(x), runners);
  };
}

}  // namespace t3
