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
  fields.CheckAllTaken();
  return options;
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
  root.CheckAllTaken();
  T3_CHECK(!config.model.vae.empty(),
           "{}: the task vae needs \"model\": {{\"vae\": FILE}}; `t3 init` makes one with random "
           "weights",
           source);
  return config;
}

}  // namespace t3
