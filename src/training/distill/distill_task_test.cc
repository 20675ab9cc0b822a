// Distillation under the training loop: what it learns, resumes, refuses and writes.
#include "training/distill/distill_task.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/testing/error_of.h"
#include "loading/sampling_json.h"
#include "training/distill/testing/mini_distill.h"
#include "training/dit/model_folder.h"
#include "training/loop/trainer.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

struct Finished {
  TensorMap weights;
  std::vector<LogEntry> log;
};

Finished RunTo(const DistillConfig& config, const ModelInfo& base = MiniModel()) {
  const auto task = MiniDistill(config, base);
  fs::create_directories(config.output);
  TrainHooks hooks;
  hooks.gate_every = config.gates.every_steps;
  hooks.gate = [&](const TensorMap& weights) { return task->Gate(weights); };
  Trainer trainer(config, *task, CpuContext(), hooks);
  trainer.Run();
  Finished run{{}, trainer.log()};
  for (const auto& [name, tensor] : trainer.weights()) run.weights[name] = tensor.clone();
  return run;
}

// A model folder with mini2.1's weights, changed.
ModelInfo ChangedModel(const std::string& folder, const std::function<void(TensorMap&)>& change) {
  const auto task = MiniTask(MiniConfig("unused"));
  TensorMap weights;
  for (const auto& [name, leaf] : task->leaves()) weights[name] = leaf.detach().clone();
  change(weights);
  task->SaveModel(weights, folder);
  ModelFiles files;
  files.model = folder;
  return OpenModel(files);
}

void ExpectResumesBitForBit(json more) {
  const test::Folder folder;
  more["ema"] = 0.9;
  more["steps"] = 3;
  more["gates"] = {{"every_steps", 2}, {"batches", 1}, {"teacher_steps", 2}};
  const Finished straight = RunTo(MiniDistillConfig(folder.Path("straight"), more));
  more["steps"] = 1;
  RunTo(MiniDistillConfig(folder.Path("resumed"), more));
  more["steps"] = 3;
  const Finished resumed = RunTo(MiniDistillConfig(folder.Path("resumed"), more));
  ASSERT_EQ(resumed.log.size(), 3U);
  EXPECT_EQ(resumed.log[2].loss, straight.log[2].loss);
  EXPECT_EQ(resumed.log[1].values, straight.log[1].values);
  EXPECT_EQ(resumed.log[2].values, straight.log[2].values);
  for (const auto& [name, tensor] : straight.weights) {
    EXPECT_TRUE(resumed.weights.at(name).equal(tensor)) << name;
  }
}

TEST(DistillTask, ResumesDmdBitForBit) {
  ExpectResumesBitForBit({{"critic", {{"updates", 2}, {"toward_student", 0.1}}}});
}
TEST(DistillTask, ResumesDmdOfLorasBitForBit) {
  ExpectResumesBitForBit({{"lora", {{"rank", 4}}}, {"critic", {{"updates", 1}}}});
}
TEST(DistillTask, ResumesConsistencyBitForBit) {
  ExpectResumesBitForBit({{"objective", "consistency"}});
}

TEST(DistillTask, TheFingerprintNamesTheTeachersLorasAndAttention) {
  const test::Folder folder;
  const auto identity = [&](const std::vector<Lora>& loras, const char* pattern = "t3") {
    const DistillConfig config =
        MiniDistillConfig("unused", {{"teacher", {{"attention", {{"pattern", pattern}}}}}});
    TeacherModel teacher = OpenTeacher(config, MiniModel());
    teacher.model.loras = loras;
    teacher.is_base = false;
    return DistillIdentity(config, MiniModel(), teacher, "data");
  };
  const std::string a = folder.Add("a.safetensors", "a"), b = folder.Add("b.safetensors", "b");
  const std::string copy = folder.Add("copy.safetensors", "a");
  EXPECT_EQ(identity({{a, 1}}), identity({{copy, 1}}));
  const json of_a = identity({{a, 1}}), of_b = identity({{b, 1}});
  EXPECT_NE(of_a["teacher"]["loras"], of_b["teacher"]["loras"]);
  EXPECT_NE(of_a["teacher"]["loras"], identity({{a, 0.5}})["teacher"]["loras"]);
  EXPECT_EQ(identity({})["teacher"]["loras"], "none");
  EXPECT_EQ(of_a["loras"], "none") << "those of the base";
  EXPECT_NE(of_a["teacher"]["attention"], identity({{a, 1}}, "full")["teacher"]["attention"]);
}

// The student begins with the colours of another model. The gates see it, and DMD brings the
// colours back.
TEST(DistillTask, DmdGivesTheStudentTheTeachersColors) {
  const test::Folder folder;
  const ModelInfo base = ChangedModel(folder.Path("base"), [](TensorMap& weights) {
    weights["dit.head.head.bias"] = weights["dit.head.head.bias"] + 0.4;
  });
  const DistillConfig config = MiniDistillConfig(
      folder.Path("run"), {{"steps", 10},
                           {"teacher", {{"model", MiniModel().paths.dit}, {"guidance", 1}}},
                           {"optimizer", {{"lr", 1e-3}, {"beta1", 0}}},
                           {"critic", {{"updates", 2}, {"lr", 1e-3}}},
                           {"gates", {{"every_steps", 5}, {"batches", 1}, {"teacher_steps", 6}}}});
  const auto task = MiniDistill(config, base);
  const GateResult before = task->Gate(task->leaves());
  const Finished run = RunTo(config, base);
  const StepValues& after = run.log.back().values;
  EXPECT_GT(before.values.at("gate_color"), 0.2);
  EXPECT_LT(after.at("gate_color"), 0.7 * before.values.at("gate_color"));
  EXPECT_LT(after.at("gate_score"), before.score);
  const json best = json::parse(std::ifstream(config.output + "/best/gates.json"));
  double lowest = 1e9;
  for (const LogEntry& entry : run.log) {
    const auto score = entry.values.find("gate_score");
    if (score != entry.values.end()) lowest = std::min(lowest, score->second);
  }
  EXPECT_EQ(best["score"], lowest);
  EXPECT_TRUE(fs::exists(fs::path(config.output) / "best" / kDitFile));
}

void ExpectLearns(json more, double at_most) {
  const test::Folder folder;
  more["steps"] = 20;
  more["optimizer"]["lr"] = 3e-3;
  const Finished run = RunTo(MiniDistillConfig(folder.Path("run"), more));
  const auto mean = [&](size_t first) {
    double sum = 0;
    for (size_t i = first; i < first + 4; ++i) sum += run.log[i].loss / 4;
    return sum;
  };
  EXPECT_LT(mean(16), at_most * mean(0));
}
TEST(DistillTask, LearnsGuidance) { ExpectLearns({{"objective", "guidance"}}, 0.5); }
TEST(DistillTask, LearnsConsistency) {
  ExpectLearns({{"objective", "consistency"}, {"consistency", {{"levels", 6}}}}, 0.9);
}

TEST(DistillTask, ALoraSharesTheBaseWithTheTeacher) {
  const auto task =
      MiniDistill(MiniDistillConfig("unused", {{"lora", {{"rank", 2}}}, {"critic", {{"lr", 0}}}}));
  const TensorMap& teacher = *task->networks().teacher_weights;
  const TensorMap student = task->networks().student.Weights(task->leaves());
  const auto same = [&](const char* name) {
    return student.at(name).data_ptr() == teacher.at(name).data_ptr();
  };
  EXPECT_TRUE(same("patch_embedding.weight"));
  EXPECT_FALSE(same("blocks.0.self_attn.q.weight"));  // with the factors merged
  EXPECT_TRUE(
      student.at("blocks.0.self_attn.q.weight").equal(teacher.at("blocks.0.self_attn.q.weight")));
}

// A single clip takes the path of inference where no gradients are recorded.
TEST(DistillTask, WithoutGradientsTheVelocityIsTheSame) {
  const auto task = MiniDistill(MiniDistillConfig("unused"));
  DistillNetworks& networks = task->networks();
  const DistillBatch batch = networks.Get(0, 0);
  const std::vector<at::Tensor> texts{batch.texts[0]};
  const at::Tensor x = batch.latents.narrow(0, 0, 1);
  const Dit student = networks.student.Model(task->leaves());
  const CaptionedDit captioned(student, texts);
  const at::Tensor with = captioned.Velocity(x, {700}, networks.attention.For(x));
  const c10::NoGradGuard no_grad;
  const at::Tensor without = captioned.Velocity(x, {700}, networks.attention.For(x));
  EXPECT_TRUE(with.requires_grad());
  EXPECT_FALSE(without.requires_grad());
  EXPECT_TRUE(at::allclose(with.detach(), without, 1e-4, 1e-5));
}

SamplingConfig SamplingOf(const std::string& path, const Lora* lora = nullptr) {
  ModelFiles files;
  files.model = path;
  if (lora != nullptr) files.loras = {*lora};
  return OpenModel(files).defaults.sampling;
}

TEST(DistillTask, WhatItWritesSaysHowItIsSampled) {
  const test::Folder folder;
  const json sampling{{"timesteps", {1000, 800, 500}}, {"shift", 4}};
  const SamplingConfig wanted{.sampler = Sampler::kRenoise,
                              .steps = 3,
                              .guidance = 1,
                              .shift = 4,
                              .timesteps = {1000, 800, 500}};
  RunTo(MiniDistillConfig(folder.Path("whole"), {{"steps", 1}, {"sampling", sampling}}));
  EXPECT_EQ(SamplingOf(folder.Path("whole")), wanted);
  RunTo(MiniDistillConfig(folder.Path("lora"),
                          {{"steps", 1}, {"sampling", sampling}, {"lora", {{"rank", 2}}}}));
  EXPECT_EQ(SamplingOf(folder.Path("lora")), wanted);
  const Lora lora{folder.Path("lora/lora.safetensors"), 1};
  EXPECT_EQ(SamplingOf(T3_SOURCE_DIR "/tests/data/reference/mini2.1", &lora), wanted);
}

TEST(DistillTask, AfterGuidanceDistillationTheBasesSamplingStaysWithoutGuidance) {
  const test::Folder folder;
  RunTo(MiniDistillConfig(folder.Path("x"), {{"steps", 1}, {"objective", "guidance"}}));
  SamplingConfig wanted = MiniModel().defaults.sampling;
  wanted.guidance = 1;
  EXPECT_EQ(SamplingOf(folder.Path("x")), wanted);
}

TEST(DistillTask, StepsAreAListWhateverGaveThem) {
  const DistillConfig config =
      MiniDistillConfig("unused", {{"sampling", {{"steps", 4}, {"shift", 5}}}});
  ASSERT_EQ(config.sampling.timesteps.size(), 4U);
  EXPECT_EQ(config.sampling.timesteps[1], 937.5);
  EXPECT_EQ(config.sampling.timesteps[3], 625);
  EXPECT_FALSE(config.uses_clips());
}

TEST(DistillTask, ATeacherOfAnotherFamilyIsRefused) {
  const std::string error = ErrorOf([] {
    MiniDistill(
        MiniDistillConfig("unused", {{"teacher", {{"model", MiniModel("mini2.2").paths.dit}}}}));
  });
  EXPECT_THAT(error, HasSubstr("works on 48 latent channels (Wan2.2)"));
  EXPECT_THAT(error, HasSubstr("both must be of one family"));
}

TEST(DistillTask, ACriticOfOtherSizesCannotMoveTowardTheStudent) {
  const test::Folder folder;
  const ModelInfo base = ChangedModel(folder.Path("base"), [](TensorMap& weights) {
    std::erase_if(weights, [](const auto& w) { return w.first.starts_with("dit.blocks.4."); });
  });
  const auto error_with = [&](double share) {
    return ErrorOf([&] {
      MiniDistill(MiniDistillConfig("unused", {{"teacher", {{"model", MiniModel().paths.dit}}},
                                               {"critic", {{"toward_student", share}}}}),
                  base);
    });
  };
  EXPECT_THAT(error_with(0.1), HasSubstr("needs a teacher of the student's sizes"));
  EXPECT_EQ(error_with(0), "");
}

// A critic whose rate rises far too high ends the run; what was saved stays, and the message says
// so.
TEST(DistillTask, ACriticThatDivergesEndsTheRun) {
  const test::Folder folder;
  const DistillConfig config = MiniDistillConfig(
      folder.Path("x"), {{"steps", 200},
                         {"optimizer", {{"clip", 0}}},
                         {"schedule", {{"warmup", 100}}},
                         {"critic", {{"updates", 4}, {"lr", 0.3}, {"divergence", 3}}},
                         {"checkpoint", {{"every_steps", 1}, {"keep", 1}}},
                         {"gates", {{"every_steps", 1}, {"batches", 1}, {"teacher_steps", 2}}}});
  const std::string error = ErrorOf([&] { RunTo(config); });
  EXPECT_THAT(error, HasSubstr("the critic"));
  EXPECT_THAT(error, HasSubstr("critic\": {\"lr\"}"));
  EXPECT_THAT(error, HasSubstr("is the last one"));
  EXPECT_THAT(error, HasSubstr("best has the model of step"));
  EXPECT_TRUE(CheckpointFolder(config.output, 1).Newest().has_value());
}

// The loss shows a divergence steps before it is certain: what would be saved then is of no use.
TEST(DistillTask, NoCheckpointIsWrittenWhileTheCriticMayDiverge) {
  const test::Folder folder;
  const DistillConfig config =
      MiniDistillConfig(folder.Path("x"), {{"steps", 20},
                                           {"optimizer", {{"clip", 0}}},
                                           {"critic", {{"updates", 1}, {"lr", 1}}},
                                           {"checkpoint", {{"every_steps", 3}, {"keep", 1}}}});
  const std::string error = ErrorOf([&] { RunTo(config); });
  EXPECT_THAT(error, HasSubstr("the critic"));
  EXPECT_THAT(error, HasSubstr("There is no checkpoint yet"));
  EXPECT_FALSE(CheckpointFolder(config.output, 1).Newest().has_value());
}

}  // namespace
}  // namespace t3
