// One step of every objective of distillation against PyTorch's (tools/oracle_distill.py).
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "compare.h"
#include "nn/load.h"
#include "training/distill/captioned_dit.h"
#include "training/distill/dmd.h"
#include "training/distill/make_objective.h"

namespace t3 {
namespace {

std::shared_ptr<const WeightFile> OracleFile() {
  return WeightFile::Open(T3_SOURCE_DIR "/tests/data/oracle/distill.safetensors");
}

at::Tensor StoredIn(const WeightFile& file, const std::string& name) {
  return ToTensor(file.tensors().at(name));
}

// The stored batches, by their micro batch alone.
class StoredBatches : public BatchSource {
 public:
  Batch Get(int64_t /*step*/, int64_t micro) override {
    Batch batch;
    batch.latents = StoredIn(*file_, fmt::format("batch.{}.latents", micro));
    for (int64_t i = 0; i < batch.latents.size(0); ++i) {
      batch.text.push_back(StoredIn(*file_, fmt::format("batch.{}.text.{}", micro, i)));
      batch.items.push_back(fmt::format("{}-{}", micro, i));
    }
    return batch;
  }
  at::Tensor EmptyText() const override { return StoredIn(*file_, "empty"); }
  std::string Digest() const override { return "stored"; }

 private:
  std::shared_ptr<const WeightFile> file_ = OracleFile();
};

const RunContext& OnTheCpu() {
  static const ProgressFn none;
  static const RunContext context{none, nullptr, at::kCPU};
  return context;
}

class DistillOracle : public ::testing::Test {
 protected:
  at::Tensor Stored(const std::string& name) const { return StoredIn(*file_, name); }

  // The step's settings; `more` of a case.
  DistillConfig ConfigOf(const std::string& name) const {
    const nlohmann::json& of = settings_["cases"][name];
    nlohmann::json document{
        {"output", "unused"},
        {"steps", 10},
        {"batch_size", 2},
        {"data", {{"prepared", "unused"}}},
        {"seed", settings_["seed"]},
        {"objective", of["objective"]},
        {"teacher", {{"guidance", settings_["guidance"]}, {"negative_prompt", ""}}},
        {"optimizer",
         {{"lr", settings_["lr"]},
          {"eps", settings_["eps"]},
          {"weight_decay", settings_["weight_decay"]},
          {"clip", settings_["clip"]}}},
        {"attention", {{"pattern", "t3"}, {"windows", file_->metadata().at("windows")}}}};
    if (of.contains("timesteps")) document["sampling"]["timesteps"] = of["timesteps"];
    if (of["objective"] == "dmd") {
      document["critic"] = {{"updates", settings_["updates"]},
                            {"lr", settings_["critic_lr"]},
                            {"toward_student", of.value("toward_student", 0.0)}};
    }
    if (of.contains("weight")) {
      document["diversity"] = {{"weight", of["weight"]},
                               {"teacher_steps", of["teacher_steps"]},
                               {"anchor_step", of["anchor_step"]}};
    }
    if (of.contains("levels")) document["consistency"] = {{"levels", of["levels"]}};
    return ParseDistillConfig(document, "oracle.json");
  }

  std::unique_ptr<DistillNetworks> NetworksOf(const DistillConfig& config) const {
    ModelFiles files;
    files.model = T3_SOURCE_DIR "/tests/data/reference/mini2.1";
    const ModelInfo base = OpenModel(files);
    return std::make_unique<DistillNetworks>(config, base, OpenTeacher(config, base),
                                             std::make_unique<StoredBatches>(), at::kFloat,
                                             OnTheCpu());
  }

  void ExpectNear(const std::string& name, double value) const {
    const double want = Stored(name).item<double>();
    EXPECT_NEAR(value, want, kTolerance * std::abs(want)) << name;
  }

  void ExpectStep(const std::string& name) const {
    const auto networks = NetworksOf(ConfigOf(name));
    const auto objective = MakeObjective(*networks);
    const int64_t step = settings_["step"];
    objective->BeforeStep(step);
    ExpectNear(name + ".loss", objective->ForwardBackward(step, 0, 1).loss.item<double>());
    double squares = 0;
    for (const auto& [weight, leaf] : networks->student.leaves()) {
      squares += leaf.grad().square().sum().item<double>();
      const std::string stored = name + ".gradient." + weight;
      if (!file_->tensors().contains(stored)) continue;
      EXPECT_LT(RelativeL2(leaf.grad(), Stored(stored)), kTolerance) << stored;
    }
    ExpectNear(name + ".norm", std::sqrt(squares));
    objective->AfterStep(step);
    if (networks->config.objective != Objective::kDmd) return;
    ExpectNear(name + ".critic_loss", objective->Values().at("critic_loss"));
    const TensorMap state = objective->State();
    for (const char* weight : {"blocks.1.ffn.0.bias", "blocks.3.modulation", "head.head.weight"}) {
      EXPECT_LT(
          RelativeL2(state.at(std::string("weight.") + weight), Stored(name + ".critic." + weight)),
          kTolerance)
          << name << " " << weight;
    }
  }

  // As in train_oracle_test.cc. The gradient's direction is a difference of predictions that are
  // ten times as large, so that their errors count ten times.
  static constexpr double kTolerance = 2e-4;

  std::shared_ptr<const WeightFile> file_ = OracleFile();
  nlohmann::json settings_ = nlohmann::json::parse(file_->metadata().at("settings"));
};

TEST_F(DistillOracle, Dmd) { ExpectStep("dmd"); }
TEST_F(DistillOracle, DmdOfARefiner) { ExpectStep("refiner"); }
TEST_F(DistillOracle, DmdWithDiversity) { ExpectStep("diversity"); }
TEST_F(DistillOracle, Guidance) { ExpectStep("guidance"); }
TEST_F(DistillOracle, Consistency) { ExpectStep("consistency"); }

TEST_F(DistillOracle, Samples) {
  for (const char* name : {"dmd", "refiner", "diversity"}) {
    const auto networks = NetworksOf(ConfigOf(name));
    const c10::NoGradGuard no_grad;
    const DistillBatch batch = networks->Get(0, 0);
    const Dit student = networks->student.Model(networks->student.leaves());
    const CaptionedDit captioned(student, batch.texts);
    const RolloutStart start = networks->StartOf(batch, networks->RandomOf(settings_["step"], 0));
    const auto truncation = Stored(std::string(name) + ".truncation").item<int64_t>();
    const auto after = [&](int64_t step) {
      return PredictAfter(step, networks->config.sampling, start, networks->VelocityOf(captioned));
    };
    const at::Tensor want = Stored(std::string(name) + ".samples");
    EXPECT_LT(RelativeL2(after(truncation), want), 1e-5) << name;
    EXPECT_GT(RelativeL2(after(truncation - 1), want), 1e-2) << name;  // the comparison sees a step
  }
}

}  // namespace
}  // namespace t3
