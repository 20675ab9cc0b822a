// Reads the configuration of a denoiser's training.
#include "training/dit/dit_config.h"

#include <algorithm>

#include "base/check.h"

namespace t3 {
namespace {

using nlohmann::json;

constexpr int64_t kMaxSteps = int64_t{1} << 40;

std::vector<Bucket> TakeBuckets(JsonFields& root) {
  std::vector<Bucket> buckets;
  root.ForEach("buckets", [&](const json& object, const std::string& where) {
    JsonFields fields(object, where);
    Bucket& bucket = buckets.emplace_back();
    fields.TakeSize("size", &bucket.width, &bucket.height);
    fields.TakeInteger("frames", 1, 100'000, &bucket.frames);
    fields.CheckAllTaken();
    T3_CHECK(bucket.width > 0 && bucket.frames > 0, "{} needs \"size\" and \"frames\"", where);
    CheckFrameCount(where, bucket.frames);
  });
  T3_CHECK(root.Find("buckets") == nullptr || !buckets.empty(),
           "{}: \"buckets\" is empty; leave it out to train on every size of the data",
           root.where());
  return buckets;
}

TimestepConfig TakeTimesteps(JsonFields fields) {
  TimestepConfig config;
  fields.TakeNumber("shift", 1e-3, 1e3, &config.shift);
  config.weighting = TakeEnum<Weighting>(
      fields, "weighting", {{"none", Weighting::kNone}, {"gaussian", Weighting::kGaussian}},
      config.weighting);
  fields.TakeNumber("min", 0, 1000, &config.min);
  fields.TakeNumber("max", 0, 1000, &config.max);
  fields.CheckAllTaken();
  T3_CHECK(config.min < config.max, "{}: \"min\" {} is not below \"max\" {}", fields.where(),
           config.min, config.max);
  return config;
}

// `take` reads the field into a plain value.
template <typename T, typename Take>
void TakeOptional(JsonFields& fields, const std::string& key, std::optional<T>* value,
                  const Take& take) {
  if (fields.Find(key) == nullptr) return;
  T read{};
  take(&read);
  *value = read;
}

SampleConfig TakeSamples(JsonFields fields) {
  SampleConfig config;
  fields.TakeInteger("every_steps", 0, kMaxSteps, &config.every_steps);
  fields.TakeStrings("prompts", &config.prompts);
  if (fields.Find("size") != nullptr) {
    VideoSize& size = config.params.size.emplace();
    fields.TakeSize("size", &size.width, &size.height);
  }
  TakeOptional<int64_t>(fields, "frames", &config.params.frames,
                        [&](int64_t* v) { fields.TakeInteger("frames", 1, 100'000, v); });
  TakeOptional<int64_t>(fields, "steps", &config.params.steps,
                        [&](int64_t* v) { fields.TakeInteger("steps", 1, 1000, v); });
  TakeOptional<double>(fields, "guidance", &config.params.guidance,
                       [&](double* v) { fields.TakeNumber("guidance", 0, 1000, v); });
  fields.TakeInteger("seed", 0, kMaxSteps, &config.seed);
  fields.CheckAllTaken();
  if (config.params.frames) CheckFrameCount(fields.where(), *config.params.frames);
  T3_CHECK(config.every_steps == 0 || !config.prompts.empty(),
           "{}: \"every_steps\" is given without \"prompts\"", fields.where());
  return config;
}

// The seed of validation clips where none is given: clips of one seed are the same scenes.
int64_t ValidationSeed(const DitDataConfig& data, int64_t seed) {
  return data.world && data.world->seed == seed + 1 ? seed + 2 : seed + 1;
}

// The world's clips are of another seed than the run's and its clips', one a batch.
ValidationConfig TakeValidation(JsonFields fields, const DitDataConfig& data, int64_t seed) {
  ValidationConfig config;
  fields.TakeInteger("every_steps", 0, kMaxSteps, &config.every_steps);
  fields.Take("prepared", &config.prepared);
  fields.TakeInteger("clips", 1, 1'000'000, &config.clips);
  if (fields.Find("world") != nullptr) {
    config.world =
        TakeWorldLatents(fields.Object("world"), /*batch_size=*/1, ValidationSeed(data, seed));
    T3_CHECK(!data.world || config.world->seed != data.world->seed,
             "{}: world: \"seed\" {} is that of \"data\", whose clips are trained on; set another "
             "one, or leave it out",
             fields.where(), config.world->seed);
  }
  fields.CheckAllTaken();
  T3_CHECK(config.every_steps == 0 || config.prepared.empty() == config.world.has_value(),
           "{} needs either \"prepared\", a dataset of held-out clips that `t3 prepare` made, or "
           "\"world\"",
           fields.where());
  return config;
}

}  // namespace

WindowCycle WindowsOf(const AttentionConfig& config) {
  return config.windows.empty() ? WindowCycle{} : ParseWindows(config.windows);
}

AttentionConfig TakeAttention(JsonFields& parent) {
  AttentionConfig config;
  JsonFields fields = parent.Object("attention");
  std::string pattern;
  fields.TakeName("pattern", {"t3", "full", "close", "remote", "swin"}, &pattern);
  fields.Take("windows", &config.windows);
  fields.CheckAllTaken();
  if (!pattern.empty()) config.attention = ParseAttention(pattern);
  if (config.windows == "planner") config.windows.clear();
  if (config.windows.empty()) return config;
  T3_CHECK(config.attention && *config.attention != AttentionPattern::kFull,
           "{}: \"windows\" needs a \"pattern\" beside it, t3, close, remote or swin, also where "
           "the base model has one",
           fields.where());
  config.windows = FormatWindows(ParseWindows(config.windows));
  return config;
}

std::optional<LoraConfig> TakeLora(JsonFields& parent) {
  const json* field = parent.Find("lora");
  if (field == nullptr || field->is_null()) return std::nullopt;
  JsonFields fields = parent.Object("lora");
  LoraConfig config;
  fields.TakeInteger("rank", 1, 65536, &config.rank);
  config.alpha = static_cast<double>(config.rank);
  fields.TakeNumber("alpha", 1e-6, 1e6, &config.alpha);
  fields.TakeStrings("targets", &config.targets);
  fields.CheckAllTaken();
  T3_CHECK(!config.targets.empty(), "{}: \"targets\" is empty", fields.where());
  return config;
}

DitTrainConfig TakeDenoiser(JsonFields& root, const json& document) {
  root.Find("task");
  DitTrainConfig config;
  static_cast<TrainConfig&>(config) = TakeTrainConfig(root, document);
  config.data = TakeDitData(root.Object("data"), config.batch_size, config.seed);
  config.buckets = TakeBuckets(root);
  static_cast<AttentionConfig&>(config) = TakeAttention(root);
  config.lora = TakeLora(root);
  config.timesteps = TakeTimesteps(root.Object("timesteps"));
  config.activations = TakeEnum<Activations>(root, "activation_checkpoints",
                                             {{"none", Activations::kStore},
                                              {"block", Activations::kBlock},
                                              {"offload", Activations::kOffload}},
                                             config.activations);
  config.samples = TakeSamples(root.Object("samples"));
  T3_CHECK(!config.data.world || config.buckets.empty(),
           "{}: \"buckets\" does not go with \"world\", which has its own sizes", root.where());
  return config;
}

bool HasDrafts(const DitDataConfig& data) {
  if (data.videos) return data.videos->draft.has_value();
  return data.world && std::ranges::any_of(data.world->sizes, &WorldLatentSize::is_draft);
}

DitTrainConfig ParseDitTrainConfig(const json& document, const std::string& source) {
  JsonFields root(document, source);
  DitTrainConfig config = TakeDenoiser(root, document);
  root.Take("train_text_encoder", &config.train_text_encoder);
  root.TakeNumber("prompt_dropout", 0, 1, &config.prompt_dropout);
  root.TakeNumber("image_to_video", 0, 1, &config.image_to_video);
  TakeOptional<int64_t>(root, "sequence_parallel", &config.sequence_parallel,
                        [&](int64_t* v) { root.TakeInteger("sequence_parallel", 1, 4096, v); });
  config.validation = TakeValidation(root.Object("validation"), config.data, config.seed);
  root.CheckAllTaken();
  T3_CHECK(!HasDrafts(config.data) || config.data.videos,
           "{}: \"draft\" makes clips without detail, from which a denoiser would learn to make "
           "such; it belongs to the task distill",
           source);
  T3_CHECK(!HasDrafts(config.data),
           "{}: data: videos: \"draft\" has no effect on the task dit, which learns from the clips "
           "alone; leave it out, or name a dataset that has drafts without \"videos\"",
           source);
  T3_CHECK(!config.lora || !config.train_text_encoder,
           "{}: \"train_text_encoder\" trains all weights and does not go with \"lora\"", source);
  return config;
}

}  // namespace t3
