// t3 train: from a configuration to a task, its data and the training loop.
#include "t3video/train.h"

#include <filesystem>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/log.h"
#include "base/new_folder.h"
#include "base/output_lock.h"
#include "base/target_path.h"
#include "base/temporary.h"
#include "loading/load_models.h"
#include "loading/model_info.h"
#include "runtime/device.h"
#include "training/cache_plan.h"
#include "training/disk_check.h"
#include "training/distill/distill_task.h"
#include "training/dit/dit_task.h"
#include "training/dit/model_folder.h"
#include "training/dit/prepare_when_missing.h"
#include "training/dit/prepared_source.h"
#include "training/dit/samples.h"
#include "training/dit/world_latents.h"
#include "training/loop/trainer.h"
#include "training/plan_training.h"
#include "training/read_config.h"
#include "training/train_ranks.h"
#include "training/vae/decoder_task.h"
#include "training/vae/vae_task.h"
#include "training/vae/world_clips.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

using AnnounceFn = std::function<void(const TrainPlan& plan)>;

// The output folder, made where it is missing and locked for one run; what killed runs left in it
// is removed.
class OutputFolder {
 public:
  explicit OutputFolder(const TrainConfig& config) : folder_(config.output), lock_(config.output) {
    RemoveStaleTemporaries(config.output);
    CheckpointFolder(config.output, config.checkpoint.keep).RemoveUnfinished();
  }

 private:
  NewFolder folder_;
  OutputLock lock_;
};

// The log begins with the first step, before the model is written.
bool HasTraining(const fs::path& output) {
  std::error_code ignored;
  return fs::exists(output / "log.jsonl", ignored) || fs::exists(output / "checkpoints", ignored);
}

std::vector<const char*> WrittenFiles(const DitTrainConfig& config) {
  std::vector<const char*> names{kDitFile, "curves.svg", "t3.json"};
  if (config.lora) names.push_back("lora.safetensors");
  if (config.train_text_encoder) names.push_back(kTextEncoderFile);
  return names;
}

std::vector<const char*> WrittenFiles(const VaeTrainConfig&) {
  return {"Wan2.1_VAE.safetensors", "Wan2.2_VAE.safetensors", "vae.json",
          "decoder.safetensors",    "decoder.json",           "curves.svg"};
}

void CheckOutput(const TrainConfig& config) {
  std::error_code ignored;
  const fs::path output = config.output;
  T3_CHECK(!fs::exists(output, ignored) || fs::is_directory(output, ignored),
           "{}: \"output\" {} is not a folder", config.source, config.output);
  CheckWritableFolder(config.output);
  if (!config.profile.empty()) const AtomicFile writable(config.profile);
}

void CheckCache(const TrainConfig& config, const std::optional<WorldLatentsConfig>& world) {
  const fs::path file = world ? FileInTheWayOf(world->cache) : fs::path();
  T3_CHECK(file.empty(), "{}: world: \"cache\" {}: {} is not a folder", config.source, world->cache,
           file.string());
}

void CheckCaches(const TrainConfig&) {}
void CheckCaches(const DitTrainConfig& config) {
  CheckCache(config, config.data.world);
  CheckCache(config, config.validation.world);
}

// After the base was found to be elsewhere: naming its own folder is a mistake of another kind.
template <typename Config>
void CheckModelReplaceable(const Config& config) {
  std::error_code ignored;
  const fs::path output = config.output;
  if (config.overwrite || HasTraining(output)) return;
  for (const char* name : WrittenFiles(config)) {
    T3_CHECK(!fs::exists(output / name, ignored),
             "{}: \"output\" {} has {}, which no training put there; `overwrite` writes into the "
             "folder all the same, or name another one",
             config.source, config.output, name);
  }
}

ModelInfo OpenBase(const DitTrainConfig& config) {
  const ModelInfo model = OpenModel(config.model);
  RequireDit(model);
  CheckDit(model);
  if (config.train_text_encoder) CheckTextEncoder(model);
  CheckNotItsBase(model, config.output);
  return model;
}

std::vector<int64_t> CheckpointSteps(const TrainConfig& config) {
  return CheckpointFolder(config.output, config.checkpoint.keep).Steps();
}

// The last that rank 0 does before work starts.
void Begin(const TrainConfig& config, TrainPlan plan, const AnnounceFn& announce) {
  const std::vector<int64_t> steps = CheckpointSteps(config);
  plan.refusal = DiskRefusal(plan, steps);
  if (announce) announce(plan);
  if (plan.refusal) throw *plan.refusal;
  if (const std::string note = DiskNote(plan, steps); !note.empty()) spdlog::warn("{}", note);
}

// Clips of config.validation, one a batch, in an order that no setting of the run changes.
std::unique_ptr<BatchSource> OpenValidation(const DitTrainConfig& config, const ModelInfo& model,
                                            at::ScalarType dtype, const RunContext& context,
                                            Team* team) {
  if (config.validation.every_steps == 0) return nullptr;
  DitTrainConfig fixed = config;
  fixed.seed = 0, fixed.batch_size = 1, fixed.accumulation = 1;
  fixed.buckets.clear();
  fixed.data.world = config.validation.world;
  if (fixed.data.world) {
    return std::make_unique<WorldLatents>(fixed, model, dtype, context, ClipLatents::kRendered,
                                          team);
  }
  return std::make_unique<PreparedSource>(config.validation.prepared, model, fixed);
}

// What can be said of it before anything is loaded or rendered.
void CheckValidation(const DitTrainConfig& config, const ModelInfo& model) {
  if (config.validation.every_steps == 0 || config.validation.world) return;
  OpenValidation(config, model, at::kFloat, {{}, nullptr, at::kCPU}, nullptr);
}

TrainHooks SampleHooks(const DitTrainConfig& config, const RunContext& context) {
  TrainHooks hooks;
  hooks.sample_every = config.samples.every_steps;
  hooks.samples_missing = [&config](int64_t step) { return SamplesMissing(config, step); };
  hooks.sample = [&](int64_t step, bool missing_only) {
    WriteSamples(config, step, missing_only, context);
  };
  return hooks;
}

TrainHooks HooksOf(const DitTrainConfig& config, DitTask& task, BatchSource* validation,
                   const RunContext& context) {
  TrainHooks hooks = SampleHooks(config, context);
  hooks.validate_every = config.validation.every_steps;
  hooks.validate = [&, validation](const TensorMap& weights) {
    double sum = 0;
    for (int64_t i = 0; i < config.validation.clips; ++i) {
      context.CheckCancelled();
      sum += task.ValidationLoss(weights, *validation, i);
    }
    return sum / static_cast<double>(config.validation.clips);
  };
  return hooks;
}

TrainResult TrainTask(const DitTrainConfig& config, const RunContext& context,
                      const AnnounceFn& announce, TrainRanks& ranks) {
  const at::ScalarType dtype = ResolveDtype(config.dtype, context.device);
  const ModelInfo model = OpenBase(config);
  CheckModelReplaceable(config);
  const RankLayout layout = ranks.LayoutFor(config, model.dit.num_heads);
  std::optional<OutputFolder> folder;
  ranks.First([&] {
    folder.emplace(config);
    if (config.data.videos) PrepareWhenMissing(config, context);
  });
  std::unique_ptr<PreparedSource> prepared;
  if (!config.data.world) {
    prepared = std::make_unique<PreparedSource>(config.data.prepared, model, config);
  }
  CheckValidation(config, model);
  if (ranks.leads()) {
    TrainPlan plan = PlanDitTraining(config, model, prepared.get(), context.device, dtype, layout);
    plan.caches = PlanCaches(config, model, ClipLatents::kRendered);
    Begin(config, std::move(plan), announce);
  }
  std::unique_ptr<BatchSource> source = std::move(prepared), validation;
  ranks.Together([&](Team* team) {
    if (!source) {
      source = std::make_unique<WorldLatents>(config, model, dtype, context, ClipLatents::kRendered,
                                              team);
    }
    validation = OpenValidation(config, model, dtype, context, team);
  });
  spdlog::info("training on {}", source->Digest());
  DitTask task(config, model, std::move(source), dtype, context, ranks.SequenceGroup(layout));
  return ranks.Run(config, layout, task, context, HooksOf(config, task, validation.get(), context));
}

// A refiner starts from drafts where the data has them.
PreparedDrafts DraftsFor(const DistillConfig& config) {
  if (config.objective == Objective::kRefine) return PreparedDrafts::kPairs;
  const bool refiner = config.objective == Objective::kDmd && config.uses_clips();
  return refiner ? PreparedDrafts::kInPlace : PreparedDrafts::kIgnored;
}

// Of clips of the world.
ClipLatents LatentsFor(const DistillConfig& config) {
  if (config.objective == Objective::kRefine) return ClipLatents::kPairs;
  return config.uses_clips() ? ClipLatents::kRendered : ClipLatents::kZeros;
}

TrainResult TrainTask(const DistillConfig& config, const RunContext& context,
                      const AnnounceFn& announce, TrainRanks& ranks) {
  const at::ScalarType dtype = ResolveDtype(config.dtype, context.device);
  const ModelInfo base = OpenBase(config);
  const TeacherModel teacher = OpenTeacher(config, base);
  CheckNotItsBase(teacher.model, config.output);
  CheckModelReplaceable(config);
  const RankLayout layout = ranks.LayoutFor(config, /*heads=*/1);
  std::optional<OutputFolder> folder;
  ranks.First([&] {
    folder.emplace(config);
    if (config.data.videos) PrepareWhenMissing(config, context);
  });
  std::unique_ptr<PreparedSource> prepared;
  if (!config.data.world) {
    prepared =
        std::make_unique<PreparedSource>(config.data.prepared, base, config, DraftsFor(config));
  }
  if (ranks.leads()) {
    TrainPlan plan =
        PlanDistillTraining(config, base, teacher, prepared.get(), context.device, dtype, layout);
    plan.caches = PlanCaches(config, base, LatentsFor(config));
    Begin(config, std::move(plan), announce);
  }
  std::unique_ptr<BatchSource> source = std::move(prepared);
  ranks.Together([&](Team* team) {
    if (source) return;
    source = std::make_unique<WorldLatents>(config, base, dtype, context, LatentsFor(config), team);
  });
  spdlog::info("training on {}", source->Digest());
  DistillTask task(config, base, teacher, std::move(source), dtype, context);
  TrainHooks hooks = SampleHooks(config, context);
  hooks.gate_every = config.gates.every_steps;
  hooks.gate = [&task](const TensorMap& weights) { return task.Gate(weights); };
  return ranks.Run(config, layout, task, context, std::move(hooks));
}

TrainResult TrainTask(const VaeTrainConfig& config, const RunContext& context,
                      const AnnounceFn& announce, TrainRanks& ranks) {
  const at::ScalarType dtype = ResolveDtype(config.dtype, context.device);
  const VaeFile file = OpenVaeFile(config.model.vae);
  CheckModelReplaceable(config);
  CheckStride(config.world, file.config.spatial_stride());
  const RankLayout layout = ranks.LayoutFor(config, /*heads=*/1);
  std::optional<OutputFolder> folder;
  ranks.First([&] { folder.emplace(config); });
  if (ranks.leads())
    Begin(config, PlanVaeTraining(config, file, context.device, dtype, layout), announce);
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

void CheckResumable(const TrainConfig& config, const nlohmann::json& identity) {
  const auto checkpoint = CheckpointFolder(config.output, config.checkpoint.keep).Newest();
  if (!checkpoint) return;
  CheckSameRun(*checkpoint, {{"config", config.fingerprint}, {"model", identity}});
  spdlog::info("would resume from {}", checkpoint->path);
}

// Whether a run has to make its dataset before anything can be said of it.
bool IsMadeFirst(const DitTrainConfig& config) {
  std::error_code ignored;
  return config.data.videos && !fs::exists(config.data.prepared, ignored);
}

// nullptr for the world, and for a dataset that is still to be made.
std::unique_ptr<PreparedSource> OpenPrepared(const DitTrainConfig& config, const ModelInfo& model,
                                             PreparedDrafts drafts = PreparedDrafts::kIgnored) {
  if (config.data.world || IsMadeFirst(config)) return nullptr;
  return std::make_unique<PreparedSource>(config.data.prepared, model, config, drafts);
}

std::string DataDigest(const DitTrainConfig& config, const ModelInfo& model,
                       const PreparedSource* prepared) {
  return prepared != nullptr ? prepared->Digest() : WorldLatentsDigest(*config.data.world, model);
}

TrainPlan PlanTask(const DitTrainConfig& config, at::Device device, int64_t ranks) {
  const ModelInfo model = OpenBase(config);
  CheckModelReplaceable(config);
  const RankLayout layout =
      ChooseRankLayout(ranks, config.accumulation, config.sequence_parallel, model.dit.num_heads);
  const auto prepared = OpenPrepared(config, model);
  CheckValidation(config, model);
  TrainPlan plan = PlanDitTraining(config, model, prepared.get(), device,
                                   ResolveDtype(config.dtype, device), layout);
  plan.caches = PlanCaches(config, model, ClipLatents::kRendered);
  if (!IsMadeFirst(config)) {
    CheckResumable(config, DitIdentity(config, model, DataDigest(config, model, prepared.get())));
  }
  return plan;
}

TrainPlan PlanTask(const DistillConfig& config, at::Device device, int64_t ranks) {
  const RankLayout layout = ChooseRankLayout(ranks, config.accumulation, {}, /*heads=*/1);
  const ModelInfo base = OpenBase(config);
  const TeacherModel teacher = OpenTeacher(config, base);
  CheckModelReplaceable(config);
  const auto prepared = OpenPrepared(config, base, DraftsFor(config));
  TrainPlan plan = PlanDistillTraining(config, base, teacher, prepared.get(), device,
                                       ResolveDtype(config.dtype, device), layout);
  plan.caches = PlanCaches(config, base, LatentsFor(config));
  if (!IsMadeFirst(config)) {
    CheckResumable(
        config, DistillIdentity(config, base, teacher, DataDigest(config, base, prepared.get())));
  }
  return plan;
}

TrainPlan PlanTask(const VaeTrainConfig& config, at::Device device, int64_t ranks) {
  const RankLayout layout = ChooseRankLayout(ranks, config.accumulation, {}, /*heads=*/1);
  const VaeFile file = OpenVaeFile(config.model.vae);
  CheckModelReplaceable(config);
  CheckStride(config.world, file.config.spatial_stride());
  const WorldClips clips(config.world, config.seed, config.accumulation, device);
  CheckResumable(config, config.student ? DecoderIdentity(config, file, clips.Digest())
                                        : VaeIdentity(file, clips.Digest()));
  return PlanVaeTraining(config, file, device, ResolveDtype(config.dtype, device), layout);
}

}  // namespace

TrainPlan PlanTraining(const std::string& path, const std::vector<std::string>& overrides,
                       int64_t ranks) {
  const AnyTrainConfig any = ReadTrainConfig(path, overrides);
  return std::visit(
      [&](const auto& config) {
        CheckOutput(config);
        CheckCaches(config);
        TrainPlan plan = PlanTask(config, ResolveDevice(config.device), ranks);
        plan.refusal = DiskRefusal(plan, CheckpointSteps(config));
        return plan;
      },
      any);
}

TrainResult Train(const std::string& path, const std::vector<std::string>& overrides,
                  const ProgressFn& progress, const CancelToken* cancel, const AnnounceFn& announce,
                  const RankPlace& place) {
  const AnyTrainConfig any = ReadTrainConfig(path, overrides);
  return std::visit(
      [&](const auto& config) {
        const at::Device device = RankDevice(ResolveDevice(config.device), config.device, place);
        TrainRanks ranks(place, device, config);
        if (!ranks.leads()) {
          const ProgressFn silent;
          const RunContext context{silent, nullptr, device};
          return ranks.Reporting([&] { return TrainTask(config, context, {}, ranks); });
        }
        CheckOutput(config);
        CheckCaches(config);
        const RunContext context{progress, cancel, device};
        return ranks.Leading(config, [&] { return TrainTask(config, context, announce, ranks); });
      },
      any);
}

}  // namespace t3
