// Reads the configuration of a VAE's training.
#include "training/vae/vae_config.h"

#include "base/check.h"

namespace t3 {
namespace {

VaeLossOptions TakeVaeLoss(JsonFields fields) {
  constexpr double kMaxWeight = 1e6;
  VaeLossOptions options;
  fields.TakeNumber("reconstruction", 0, kMaxWeight, &options.reconstruction_weight);
  fields.TakeNumber("charbonnier", 0, 1, &options.charbonnier);
  fields.TakeNumber("kl", 0, kMaxWeight, &options.kl_weight);
  fields.TakeNumber("gradient", 0, kMaxWeight, &options.gradient_weight);
  fields.TakeNumber("laplacian", 0, kMaxWeight, &options.laplacian_weight);
  fields.TakeInteger("laplacian_levels", 1, 16, &options.laplacian_levels);
  fields.TakeNumber("texture", 0, kMaxWeight, &options.texture_weight);
  fields.TakeNumber("flicker", 0, kMaxWeight, &options.flicker_weight);
  fields.CheckAllTaken();
  return options;
}

std::optional<DecoderStudentConfig> TakeStudent(JsonFields& root) {
  if (root.Find("student") == nullptr) return std::nullopt;
  JsonFields fields = root.Object("student");
  DecoderStudentConfig config;
  fields.Take("decoder", &config.decoder);
  config.teacher_frames =
      TakeEnum<bool>(fields, "target", {{"clip", false}, {"teacher", true}}, false);
  fields.CheckAllTaken();
  T3_CHECK(!config.decoder.empty(),
           "{} needs \"decoder\", the file of a small decoder; `t3 init` makes one with random "
           "weights",
           fields.where());
  return config;
}

// Fields that have no effect on a student, or on nothing else.
void CheckStudentFields(const nlohmann::json& document, const std::string& source, bool student) {
  const auto has = [&](const char* key, const char* field) {
    return document.contains(key) && document[key].is_object() && document[key].contains(field);
  };
  T3_CHECK(!student || !(document.contains("train_part") || has("loss", "kl")),
           "{}: \"train_part\" and \"kl\" have no effect with \"student\": its VAE is not trained",
           source);
  T3_CHECK(student || !document.contains("gates"), "{}: \"gates\" belongs to \"student\"", source);
}

}  // namespace

VaeTrainConfig ParseVaeTrainConfig(const nlohmann::json& document, const std::string& source) {
  JsonFields root(document, source);
  root.Find("task");
  VaeTrainConfig config;
  static_cast<TrainConfig&>(config) = TakeTrainConfig(root, document);
  JsonFields data = root.Object("data");
  T3_CHECK(data.Find("world") != nullptr, "{} needs \"world\", the clips to train on",
           data.where());
  config.world = TakeWorldClips(data.Object("world"), config.batch_size);
  data.CheckAllTaken();
  config.loss = TakeVaeLoss(root.Object("loss"));
  config.decoder_only =
      TakeEnum<bool>(root, "train_part", {{"all", false}, {"decoder", true}}, false);
  config.student = TakeStudent(root);
  CheckStudentFields(document, source, config.student.has_value());
  JsonFields gates = root.Object("gates");
  gates.TakeInteger("every_steps", 0, int64_t{1} << 40, &config.gates_every);
  gates.CheckAllTaken();
  T3_CHECK(config.gates_every == 0 || !config.world.held_out.empty(),
           "{}: \"gates\" needs \"held_out\" clips in \"world\"", source);
  root.CheckAllTaken();
  T3_CHECK(!config.model.vae.empty(),
           "{}: the task vae needs \"model\": {{\"vae\": FILE}}; `t3 init` makes one with random "
           "weights",
           source);
  return config;
}

}  // namespace t3
