// Reads the fields that tasks share.
#include "training/loop/train_config.h"

#include "base/check.h"

namespace t3 {
namespace {

using nlohmann::json;

constexpr int64_t kMaxCount = int64_t{1} << 40;
constexpr double kMaxNumber = 1e30;

std::vector<Lora> TakeLoras(JsonFields& model) {
  std::vector<Lora> loras;
  model.ForEach("loras", [&](const json& object, const std::string& where) {
    JsonFields fields(object, where);
    Lora& lora = loras.emplace_back();
    fields.Take("file", &lora.path);
    fields.TakeNumber("scale", -kMaxLoraScale, kMaxLoraScale, &lora.scale);
    fields.CheckAllTaken();
    T3_CHECK(!lora.path.empty(), "{} needs \"file\"", where);
  });
  return loras;
}

OptimizerConfig TakeOptimizer(JsonFields fields) {
  OptimizerConfig config;
  fields.TakeNumber("lr", 0, 10, &config.lr);
  fields.TakeNumber("beta1", 0, 0.999999, &config.beta1);
  fields.TakeNumber("beta2", 0, 0.999999, &config.beta2);
  fields.TakeNumber("eps", 1e-30, 1, &config.eps);
  fields.TakeNumber("weight_decay", 0, 10, &config.weight_decay);
  fields.TakeNumber("clip", 0, kMaxNumber, &config.clip);
  config.matrices = TakeEnum<MatrixRule>(
      fields, "matrices", {{"adamw", MatrixRule::kAdamW}, {"muon", MatrixRule::kMuon}},
      config.matrices);
  fields.TakeNumber("momentum", 0, 0.999999, &config.momentum);
  fields.CheckAllTaken();
  return config;
}

ScheduleConfig TakeSchedule(JsonFields fields) {
  ScheduleConfig config;
  fields.TakeInteger("warmup", 0, kMaxCount, &config.warmup);
  config.decay = TakeEnum<Decay>(
      fields, "decay",
      {{"constant", Decay::kConstant}, {"cosine", Decay::kCosine}, {"linear", Decay::kLinear}},
      config.decay);
  fields.TakeNumber("final", 0, 1, &config.final);
  fields.CheckAllTaken();
  return config;
}

CheckpointConfig TakeCheckpoint(JsonFields fields) {
  CheckpointConfig config;
  fields.TakeNumber("every_seconds", 0, kMaxNumber, &config.every_seconds);
  fields.TakeInteger("every_steps", 0, kMaxCount, &config.every_steps);
  fields.TakeInteger("keep", 1, 1'000'000, &config.keep);
  fields.CheckAllTaken();
  return config;
}

}  // namespace

ModelFiles TakeModelFiles(JsonFields& parent) {
  ModelFiles model;
  const json* field = parent.Find("model");
  if (field == nullptr) return model;
  if (field->is_string()) {
    model.model = field->get<std::string>();
    return model;
  }
  T3_CHECK(
      field->is_object(),
      "{}: \"model\" is {}, wanted a text, the model's folder or file, or an object of its parts",
      parent.where(), field->dump());
  JsonFields fields = parent.Object("model");
  fields.Take("folder", &model.model);
  fields.Take("dit", &model.dit);
  fields.Take("text_encoder", &model.text_encoder);
  fields.Take("vae", &model.vae);
  fields.Take("tokenizer", &model.tokenizer);
  if (fields.Find("loras") != nullptr) model.loras = TakeLoras(fields);
  fields.CheckAllTaken();
  return model;
}

TrainConfig TakeTrainConfig(JsonFields& root, const json& document) {
  TrainConfig config;
  config.source = root.where();
  config.model = TakeModelFiles(root);
  root.Take("output", &config.output);
  root.Take("overwrite", &config.overwrite);
  root.TakeInteger("steps", 1, kMaxCount, &config.steps);
  root.TakeNumber("stop_after_seconds", 0, kMaxNumber, &config.stop_after_seconds);
  root.TakeInteger("batch_size", 1, 1'000'000, &config.batch_size);
  root.TakeInteger("accumulation", 1, 1'000'000, &config.accumulation);
  root.TakeInteger("seed", 0, kMaxCount, &config.seed);
  config.optimizer = TakeOptimizer(root.Object("optimizer"));
  config.schedule = TakeSchedule(root.Object("schedule"));
  root.TakeNumber("ema", 0, 0.9999999, &config.ema);
  root.Take("device", &config.device);
  config.dtype = TakeEnum<ComputeDtype>(
      root, "dtype",
      {{"auto", ComputeDtype::kAuto}, {"fp32", ComputeDtype::kFp32}, {"bf16", ComputeDtype::kBf16}},
      config.dtype);
  root.TakeName("save_dtype", {"fp32", "bf16"}, &config.save_dtype);
  config.checkpoint = TakeCheckpoint(root.Object("checkpoint"));
  root.Take("profile", &config.profile);
  T3_CHECK(!config.output.empty(), "{}: \"output\" must name a folder for the results",
           config.source);
  T3_CHECK(config.steps > 0, "{}: \"steps\" must be given", config.source);
  config.settings = {document, /*steps_decide=*/config.schedule.decay != Decay::kConstant};
  return config;
}

void CheckFrameCount(const std::string& where, int64_t frames) {
  T3_CHECK(frames % 4 == 1, "{}: {} frames; the VAE needs 4n + 1, such as 17 or 81", where, frames);
}

}  // namespace t3
