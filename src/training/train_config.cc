// Reading the configuration of a training run.
#include "training/train_config.h"

#include "base/check.h"
#include "base/mapped_file.h"
#include "plan/windows.h"
#include "base/json_fields.h"
#include "base/json.h"

namespace t3 {
namespace {

using nlohmann::json;

constexpr int64_t kMax = int64_t{1} << 40;
constexpr double kHuge = 1e30;

template <typename E>
E TakeEnum(JsonFields* fields, const std::string& key,
           const std::vector<std::pair<std::string, E>>& values, E fallback) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  std::string chosen;
  fields->TakeName(key, names, &chosen);
  for (const auto& [name, value] : values) {
    if (name == chosen) return value;
  }
  return fallback;
}

void CheckFrames(const JsonFields& fields, int64_t frames) {
  T3_CHECK(frames % 4 == 1, "{}: {} frames; a video has 4n + 1", fields.where(), frames);
}

ModelFiles TakeModel(JsonFields* root) {
  ModelFiles model;
  const json* field = root->Find("model");
  if (field == nullptr) return model;
  if (field->is_string()) {
    model.model = field->get<std::string>();
    return model;
  }
  JsonFields fields = root->Object("model");
  fields.Take("folder", &model.model);
  fields.Take("dit", &model.dit);
  fields.Take("text_encoder", &model.text_encoder);
  fields.Take("vae", &model.vae);
  fields.Take("tokenizer", &model.tokenizer);
  const json* loras = fields.Find("loras");
  if (loras != nullptr) {
    T3_CHECK(loras->is_array(), "{}: \"loras\" is {}, wanted a list", fields.where(),
             loras->dump());
    for (const json& entry : *loras) {
      JsonFields lora(entry, fields.where() + ": loras");
      Lora& added = model.loras.emplace_back();
      lora.Take("file", &added.path);
      lora.TakeNumber("scale", -100, 100, &added.scale);
      lora.CheckAllTaken();
    }
  }
  fields.CheckAllTaken();
  return model;
}

std::vector<Bucket> TakeBuckets(JsonFields* root) {
  std::vector<Bucket> buckets;
  const json* list = root->Find("buckets");
  if (list == nullptr) return buckets;
  T3_CHECK(list->is_array() && !list->empty(), "{}: \"buckets\" is {}, wanted a list of objects",
           root->where(), list->dump());
  for (size_t i = 0; i < list->size(); ++i) {
    JsonFields fields((*list)[i], fmt::format("{}: buckets[{}]", root->where(), i));
    Bucket bucket;
    fields.TakeSize("size", &bucket.width, &bucket.height);
    fields.TakeInteger("frames", 1, 100'000, &bucket.frames);
    fields.CheckAllTaken();
    T3_CHECK(bucket.width > 0 && bucket.frames > 0, "{} needs \"size\" and \"frames\"",
             fields.where());
    CheckFrames(fields, bucket.frames);
    buckets.push_back(bucket);
  }
  return buckets;
}

void TakeAttention(JsonFields* root, TrainConfig* config) {
  JsonFields fields = root->Object("attention");
  std::string pattern;
  fields.TakeName("pattern", {"t3", "full", "close", "remote", "swin"}, &pattern);
  fields.Take("windows", &config->windows);
  fields.CheckAllTaken();
  config->attention_given = !pattern.empty();
  if (config->attention_given) config->attention = ParseAttention(pattern);
  if (config->windows == "planner") config->windows.clear();
  if (config->windows.empty()) return;
  T3_CHECK(config->attention_given && config->attention != AttentionPattern::kFull,
           "{}: \"windows\" need a pattern that has windows: t3, close, remote or swin",
           fields.where());
  config->windows = FormatWindows(ParseWindows(config->windows));
}

OptimizerConfig TakeOptimizer(JsonFields fields) {
  OptimizerConfig config;
  fields.TakeNumber("lr", 0, 10, &config.lr);
  fields.TakeNumber("beta1", 0, 0.999999, &config.beta1);
  fields.TakeNumber("beta2", 0, 0.999999, &config.beta2);
  fields.TakeNumber("eps", 1e-30, 1, &config.eps);
  fields.TakeNumber("weight_decay", 0, 10, &config.weight_decay);
  fields.TakeNumber("clip", 0, kHuge, &config.clip);
  config.matrices = TakeEnum<MatrixRule>(
      &fields, "matrices", {{"adamw", MatrixRule::kAdamW}, {"muon", MatrixRule::kMuon}},
      config.matrices);
  fields.TakeNumber("momentum", 0, 0.999999, &config.momentum);
  fields.CheckAllTaken();
  return config;
}

ScheduleConfig TakeSchedule(JsonFields fields) {
  ScheduleConfig config;
  fields.TakeInteger("warmup", 0, kMax, &config.warmup);
  config.decay = TakeEnum<Decay>(
      &fields, "decay",
      {{"constant", Decay::kConstant}, {"cosine", Decay::kCosine}, {"linear", Decay::kLinear}},
      config.decay);
  fields.TakeNumber("final", 0, 1, &config.final);
  fields.CheckAllTaken();
  return config;
}

std::optional<LoraConfig> TakeLora(JsonFields* root) {
  const json* field = root->Find("lora");
  if (field == nullptr || field->is_null()) return std::nullopt;
  JsonFields fields = root->Object("lora");
  LoraConfig config;
  fields.TakeInteger("rank", 1, 65536, &config.rank);
  config.alpha = static_cast<double>(config.rank);
  fields.TakeNumber("alpha", 1e-6, 1e6, &config.alpha);
  fields.TakeStrings("targets", &config.targets);
  fields.CheckAllTaken();
  T3_CHECK(!config.targets.empty(), "{}: \"targets\" is empty", fields.where());
  return config;
}

TimestepConfig TakeTimesteps(JsonFields fields) {
  TimestepConfig config;
  fields.TakeNumber("shift", 1e-3, 1e3, &config.shift);
  config.weighting = TakeEnum<Weighting>(
      &fields, "weighting", {{"none", Weighting::kNone}, {"gaussian", Weighting::kGaussian}},
      config.weighting);
  fields.CheckAllTaken();
  return config;
}

CheckpointConfig TakeCheckpoint(JsonFields fields) {
  CheckpointConfig config;
  fields.TakeNumber("every_seconds", 0, kHuge, &config.every_seconds);
  fields.TakeInteger("every_steps", 0, kMax, &config.every_steps);
  fields.TakeInteger("keep", 1, 1'000'000, &config.keep);
  fields.CheckAllTaken();
  return config;
}

template <typename T, typename Take>
void TakeOptional(std::optional<T>* value, const Take& take) {
  T read{-1};
  take(&read);
  if (read != T{-1}) *value = read;
}

SampleConfig TakeSamples(JsonFields fields) {
  SampleConfig config;
  fields.TakeInteger("every_steps", 0, kMax, &config.every_steps);
  fields.TakeStrings("prompts", &config.prompts);
  int64_t width = 0, height = 0;
  fields.TakeSize("size", &width, &height);
  if (width > 0) config.params.size = VideoSize{width, height};
  TakeOptional<int64_t>(&config.params.frames,
                        [&](int64_t* v) { fields.TakeInteger("frames", 1, 100'000, v); });
  TakeOptional<int64_t>(&config.params.steps,
                        [&](int64_t* v) { fields.TakeInteger("steps", 1, 1000, v); });
  TakeOptional<double>(&config.params.guidance,
                       [&](double* v) { fields.TakeNumber("guidance", 0, 1000, v); });
  fields.TakeInteger("seed", 0, kMax, &config.seed);
  fields.CheckAllTaken();
  if (config.params.frames) CheckFrames(fields, *config.params.frames);
  T3_CHECK(config.every_steps == 0 || !config.prompts.empty(),
           "{}: \"every_steps\" without \"prompts\" to sample", fields.where());
  return config;
}

// Fields that only the other task reads.
void CheckFieldsOfTask(const json& document, const std::string& task, const std::string& source) {
  static const std::vector<std::string> kDitOnly{
      "buckets",   "attention",      "lora",    "train_text_encoder",
      "timesteps", "prompt_dropout", "samples", "activation_checkpoints"};
  static const std::vector<std::string> kVaeOnly{"loss", "train_part"};
  for (const std::string& field : task == "dit" ? kVaeOnly : kDitOnly) {
    T3_CHECK(!document.contains(field), "{}: \"{}\" is no field of the task {}", source, field,
             task);
  }
}

}  // namespace

TrainConfig ParseTrainConfig(const json& document, const std::string& source) {
  JsonFields root(document, source);
  TrainConfig config;
  config.source = source;
  config.document = document;
  root.TakeName("task", {"dit", "vae"}, &config.task);
  config.model = TakeModel(&root);
  root.Take("output", &config.output);
  const json* data = root.Find("data");
  config.data = data == nullptr ? json::object() : *data;
  config.buckets = TakeBuckets(&root);
  TakeAttention(&root, &config);
  root.TakeInteger("steps", 1, kMax, &config.steps);
  root.TakeNumber("stop_after_seconds", 0, kHuge, &config.stop_after_seconds);
  root.TakeInteger("batch_size", 1, 1'000'000, &config.batch_size);
  root.TakeInteger("accumulation", 1, 1'000'000, &config.accumulation);
  root.TakeInteger("seed", 0, kMax, &config.seed);
  config.optimizer = TakeOptimizer(root.Object("optimizer"));
  config.schedule = TakeSchedule(root.Object("schedule"));
  root.TakeNumber("ema", 0, 0.9999999, &config.ema);
  root.Take("device", &config.device);
  root.TakeName("dtype", {"auto", "fp32", "bf16"}, &config.dtype);
  root.TakeName("save_dtype", {"fp32", "bf16"}, &config.save_dtype);
  config.lora = TakeLora(&root);
  root.Take("train_text_encoder", &config.train_text_encoder);
  root.TakeNumber("prompt_dropout", 0, 1, &config.prompt_dropout);
  config.timesteps = TakeTimesteps(root.Object("timesteps"));
  config.activations = TakeEnum<Activations>(&root, "activation_checkpoints",
                                             {{"none", Activations::kKeep},
                                              {"block", Activations::kBlock},
                                              {"offload", Activations::kOffload}},
                                             config.activations);
  config.checkpoint = TakeCheckpoint(root.Object("checkpoint"));
  config.samples = TakeSamples(root.Object("samples"));
  root.Take("profile", &config.profile);
  std::string part = "all";
  root.TakeName("train_part", {"all", "decoder"}, &part);
  config.decoder_alone = part == "decoder";
  const json* loss = root.Find("loss");
  config.vae_loss = loss == nullptr ? json::object() : *loss;
  root.CheckAllTaken();
  CheckFieldsOfTask(document, config.task, source);
  T3_CHECK(!config.output.empty(), "{}: \"output\" must name a folder for the results", source);
  T3_CHECK(config.steps > 0, "{}: \"steps\" must be given", source);
  T3_CHECK(!config.lora || !config.train_text_encoder,
           "{}: \"train_text_encoder\" trains all weights and does not go with \"lora\"", source);
  return config;
}

void Override(const std::string& assignment, json* document) {
  const size_t equals = assignment.find('=');
  if (equals == 0 || equals == std::string::npos) {
    FailUsage("--set {}: wanted FIELD=VALUE, such as optimizer.lr=1e-4", assignment);
  }
  json* place = document;
  std::string_view path = std::string_view(assignment).substr(0, equals);
  while (true) {
    const size_t dot = path.find('.');
    if (!place->is_object() && !place->is_null()) {
      FailUsage("--set {}: {} is no object that could have the field \"{}\"", assignment,
                place->dump(), path);
    }
    place = &(*place)[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  const std::string value = assignment.substr(equals + 1);
  const json parsed = json::parse(value, nullptr, /*allow_exceptions=*/false);
  *place = parsed.is_discarded() ? json(value) : parsed;
}

TrainConfig ReadTrainConfig(const std::string& path, const std::vector<std::string>& overrides) {
  const MappedFile file(path);
  json document = ParseJson(file.bytes(), path);
  for (const std::string& assignment : overrides) Override(assignment, &document);
  return ParseTrainConfig(document, path);
}

json FieldsThatMatter(const TrainConfig& config) {
  json fields = config.document;
  // What may differ: where things are and how often they are written. The model's weights and the
  // data are compared by their contents (Task::Identity).
  for (const char* free : {"output", "model", "data", "device", "save_dtype", "checkpoint",
                           "samples", "activation_checkpoints", "stop_after_seconds", "profile"}) {
    fields.erase(free);
  }
  if (config.schedule.decay == Decay::kConstant) fields.erase("steps");
  return fields;
}

}  // namespace t3
