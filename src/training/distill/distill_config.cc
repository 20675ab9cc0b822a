// Reads the configuration of a distillation.
#include "training/distill/distill_config.h"

#include <algorithm>

#include "base/check.h"
#include "loading/sampling_json.h"
#include "sampling/schedule.h"

namespace t3 {
namespace {

using nlohmann::json;

constexpr int64_t kMaxSteps = int64_t{1} << 40;
constexpr double kCriticLrShare = 0.2;

TeacherConfig TakeTeacher(JsonFields fields, const AttentionConfig& of_the_run) {
  TeacherConfig config;
  config.model = TakeModelFiles(fields);
  config.attention = fields.Find("attention") == nullptr ? of_the_run : TakeAttention(fields);
  if (fields.Find("guidance") != nullptr) {
    fields.TakeNumber("guidance", 0, kMaxGuidanceScale, &config.guidance.emplace());
  }
  if (fields.Find("negative_prompt") != nullptr) {
    fields.Take("negative_prompt", &config.negative_prompt.emplace());
  }
  fields.CheckAllTaken();
  return config;
}

CriticConfig TakeCritic(JsonFields fields, const DitTrainConfig& run) {
  CriticConfig config;
  config.lr = kCriticLrShare * run.optimizer.lr;
  config.lora = fields.Find("lora") == nullptr ? run.lora : TakeLora(fields);
  fields.TakeInteger("updates", 1, 1000, &config.updates);
  fields.TakeNumber("lr", 0, 10, &config.lr);
  fields.TakeNumber("toward_student", 0, 1, &config.toward_student);
  fields.TakeNumber("divergence", 1.01, 1e6, &config.divergence);
  fields.CheckAllTaken();
  T3_CHECK(
      config.toward_student == 0 || !(config.lora || run.lora),
      "{}: \"toward_student\" mixes all weights of the student into the critic; it does not go "
      "with \"lora\"",
      fields.where());
  return config;
}

// `start`: the highest level that a sample of the student begins from.
ScoreConfig TakeScore(JsonFields fields, double start) {
  ScoreConfig config;
  config.max = std::min(config.max, start);
  fields.TakeNumber("shift", 1e-3, 1e3, &config.shift);
  fields.TakeNumber("min", 0, 1, &config.min);
  fields.TakeNumber("max", 0, 1, &config.max);
  fields.CheckAllTaken();
  T3_CHECK(config.min < config.max, "{}: \"min\" {:.6g} is not below \"max\" {:.6g}",
           fields.where(), config.min, config.max);
  return config;
}

DiversityConfig TakeDiversity(JsonFields fields, const SamplingConfig& sampling) {
  DiversityConfig config;
  fields.TakeNumber("weight", 0, 1e6, &config.weight);
  fields.TakeInteger("teacher_steps", 2, 1000, &config.teacher_steps);
  fields.TakeInteger("anchor_step", 1, 999, &config.anchor_step);
  fields.CheckAllTaken();
  T3_CHECK(config.anchor_step < config.teacher_steps,
           "{}: \"anchor_step\" {} is not below \"teacher_steps\" {}", fields.where(),
           config.anchor_step, config.teacher_steps);
  T3_CHECK(config.weight == 0 || sampling.list_length() > 1,
           "{}: \"weight\" trains the first step by itself and needs a student of 2 steps or more",
           fields.where());
  return config;
}

ConsistencyConfig TakeConsistency(JsonFields fields) {
  ConsistencyConfig config;
  fields.TakeInteger("levels", 2, 1000, &config.levels);
  fields.TakeNumber("shift", 1e-3, 1e3, &config.shift);
  fields.TakeNumber("target_ema", 0, 0.999999, &config.target_ema);
  fields.CheckAllTaken();
  return config;
}

GateConfig TakeGates(JsonFields fields) {
  GateConfig config;
  fields.TakeInteger("every_steps", 0, kMaxSteps, &config.every_steps);
  fields.TakeInteger("batches", 1, 10'000, &config.batches);
  fields.TakeInteger("teacher_steps", 1, 1000, &config.teacher_steps);
  fields.Take("decoded", &config.decoded);
  fields.CheckAllTaken();
  return config;
}

// The levels as a list, whatever gave them.
SamplingConfig TakeStudentSampling(JsonFields fields, Objective objective) {
  // A velocity is followed like the teacher's; predictions of the end are noised again.
  const bool velocity = objective == Objective::kGuidance || objective == Objective::kRefine;
  const Sampler usual = velocity ? Sampler::kEuler : Sampler::kRenoise;
  SamplingConfig sampling{.sampler = usual, .steps = 4, .guidance = 1};
  TakeSampling(fields, sampling);
  fields.CheckAllTaken();
  T3_CHECK(sampling.sampler == Sampler::kRenoise || sampling.sampler == Sampler::kEuler,
           "{}: \"sampler\" is {}; a student is trained with renoise or euler", fields.where(),
           SamplerName(sampling.sampler));
  T3_CHECK(sampling.guidance == 1,
           "{}: \"guidance\" is {}; a student is sampled without guidance, which is 1; the "
           "teacher's is \"teacher\": {{\"guidance\"}}",
           fields.where(), sampling.guidance);
  if (sampling.has_list()) return sampling;
  sampling.timesteps = MakeSchedule(sampling).timesteps;
  return sampling;
}

// A field of another objective would have no effect.
void RefuseFields(const json& document, const std::string& source, const char* objective,
                  std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    T3_CHECK(!document.contains(key), "{}: \"{}\" has no effect with \"objective\": \"{}\"", source,
             key, objective);
  }
}

void RefuseFieldsOfOthers(const json& document, const DistillConfig& config) {
  const std::string& source = config.source;
  switch (config.objective) {
    case Objective::kDmd:
      RefuseFields(document, source, "dmd", {"timesteps", "consistency"});
      break;
    case Objective::kGuidance:
      RefuseFields(document, source, "guidance", {"critic", "score", "diversity", "consistency"});
      break;
    case Objective::kConsistency:
      RefuseFields(document, source, "consistency", {"critic", "score", "diversity", "timesteps"});
      break;
    case Objective::kRefine:
      RefuseFields(document, source, "refine",
                   {"critic", "score", "diversity", "consistency", "gates"});
      break;
  }
}

// Of a dataset that is made already, PreparedSource says whether it has drafts.
void CheckDrafts(const DistillConfig& config) {
  constexpr const char* kLearns = "the objective refine learns from clips and their drafts";
  const DitDataConfig& data = config.data;
  T3_CHECK(!data.world || std::ranges::all_of(data.world->sizes, &WorldLatentSize::is_draft),
           "{}: {}; give every size of \"data\": {{\"world\"}} a \"draft\"", config.source,
           kLearns);
  T3_CHECK(!data.videos || data.videos->draft,
           "{}: {}; give \"data\": {{\"videos\"}} a \"draft\", such as \"832x480\"", config.source,
           kLearns);
}

void StartFromDrafts(DistillConfig* config) {
  CheckDrafts(*config);
  const double start = config->start_level();
  T3_CHECK(start < 1,
           "{}: \"sampling\" begins at level 1, where nothing of a draft is left; give the "
           "objective refine a list that begins below, such as \"timesteps\": [700, 500, 250]",
           config->source);
  const double max = config->timesteps.max;
  T3_CHECK(
      max == TimestepConfig().max || max <= 1000 * start + 1e-3,
      "{}: \"timesteps\": \"max\" is {}, but a refiner sees no level above {:.6g}, the first of "
      "\"sampling\"",
      config->source, max, start);
  config->timesteps.max = std::min(max, 1000 * start);
  if (!config->teacher.guidance) config->teacher.guidance = 1;
}

// That the objective reads what the data has.
void CheckData(const DistillConfig& config, const std::string& source) {
  T3_CHECK(config.refines() || !HasDrafts(config.data),
           "{}: \"draft\" gives the latents from which a refiner starts; it needs the objective "
           "refine, or dmd and a list in \"sampling\" that begins below 1",
           source);
  T3_CHECK(!config.data.world || config.data.world->object_weight == 1 ||
               config.objective == Objective::kRefine,
           "{}: data: world: \"object_weight\" weights the errors against clips, which the task "
           "dit and the objective refine have",
           source);
}

}  // namespace

bool DistillConfig::uses_clips() const { return objective != Objective::kDmd || start_level() < 1; }
bool DistillConfig::refines() const {
  return objective == Objective::kRefine || (objective == Objective::kDmd && uses_clips());
}

double DistillConfig::start_level() const { return MakeSchedule(sampling).sigmas.front(); }

DistillConfig ParseDistillConfig(const json& document, const std::string& source) {
  JsonFields root(document, source);
  DistillConfig config;
  static_cast<DitTrainConfig&>(config) = TakeDenoiser(root, document);
  config.prompt_dropout = 0;  // the student has no guidance for which it would be
  config.objective = TakeEnum<Objective>(root, "objective",
                                         {{"dmd", Objective::kDmd},
                                          {"guidance", Objective::kGuidance},
                                          {"consistency", Objective::kConsistency},
                                          {"refine", Objective::kRefine}},
                                         config.objective);
  RefuseFieldsOfOthers(document, config);
  config.names_sampling = document.contains("sampling");
  config.sampling = TakeStudentSampling(root.Object("sampling"), config.objective);
  config.teacher = TakeTeacher(root.Object("teacher"), config);
  config.critic = TakeCritic(root.Object("critic"), config);
  config.score = TakeScore(root.Object("score"), MakeSchedule(config.sampling).sigmas.front());
  config.diversity = TakeDiversity(root.Object("diversity"), config.sampling);
  config.consistency = TakeConsistency(root.Object("consistency"));
  config.gates = TakeGates(root.Object("gates"));
  root.CheckAllTaken();
  CheckData(config, source);
  if (config.objective == Objective::kRefine) StartFromDrafts(&config);
  return config;
}

}  // namespace t3
