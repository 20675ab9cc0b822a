// The task "vae": a VAE, its decoder, or a small decoder for its latents.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/device.h"
#include "training/plan_training.h"
#include "training/train_task.h"
#include "training/vae/decoder_task.h"
#include "training/vae/vae_task.h"
#include "training/vae/world_clips.h"

namespace t3 {
namespace {

// Of the model in the output.
const std::vector<const char*> kVaeFiles{
    "Wan2.1_VAE.safetensors", "Wan2.2_VAE.safetensors", "vae.json",
    "decoder.safetensors",    "decoder.json",           "curves.svg"};

std::vector<InputFile> InputsOf(const VaeTrainConfig& config) {
  std::vector<InputFile> inputs{{"VAE of \"model\"", config.model.vae}};
  if (config.student) inputs.push_back({"decoder of \"student\"", config.student->decoder});
  return inputs;
}

}  // namespace

TrainPlan PlanTask(const VaeTrainConfig& config, at::Device device, int64_t ranks) {
  const RankLayout layout = ChooseRankLayout(ranks, config.accumulation, {}, /*heads=*/1);
  const VaeFile file = OpenVaeFile(config.model.vae);
  CheckModelReplaceable(config, kVaeFiles, InputsOf(config));
  CheckStride(config.world, file.config.spatial_stride());
  const WorldClips clips(config.world, config.seed, config.accumulation, device);
  CheckResumable(config, [&] {
    return config.student ? DecoderIdentity(config, file, clips.Digest())
                          : VaeIdentity(file, clips.Digest());
  });
  return PlanVaeTraining(config, file, device, ResolveDtype(config.dtype, device), layout);
}

TrainResult TrainTask(const VaeTrainConfig& config, const RunContext& context,
                      const AnnounceFn& announce, TrainRanks& ranks) {
  const at::ScalarType dtype = ResolveDtype(config.dtype, context.device);
  const VaeFile file = OpenVaeFile(config.model.vae);
  CheckModelReplaceable(config, kVaeFiles, InputsOf(config));
  CheckStride(config.world, file.config.spatial_stride());
  const RankLayout layout = ranks.LayoutFor(config, /*heads=*/1);
  std::optional<OutputFolder> folder;
  ranks.First([&] { folder.emplace(config); });
  if (ranks.leads())
    AnnouncePlan(config, PlanVaeTraining(config, file, context.device, dtype, layout), announce);
  auto source =
      std::make_unique<WorldClips>(config.world, config.seed, config.accumulation, context.device);
  if (config.student) {
    DecoderTask task(config, file, std::move(source), dtype, context.device);
    TrainHooks hooks;
    hooks.gate_every = config.gates_every;
    hooks.gate = [&task](const TensorMap& weights) { return task.Gate(weights); };
    return ranks.Run(config, layout, task, context, std::move(hooks));
  }
  VaeTask task(config, file, std::move(source), dtype, context.device);
  return ranks.Run(config, layout, task, context);
}

}  // namespace t3
