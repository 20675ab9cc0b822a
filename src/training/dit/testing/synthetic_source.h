// For tests: a batch source of random latents and captions, and a small model to train.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/check.h"
#include "loading/model_info.h"
#include "training/dit/batch_source.h"
#include "training/dit/dit_task.h"
#include "training/loop/step_random.h"

namespace t3 {

// Clips of 2x2x4 tokens, all much alike, for the model in tests/data/reference/mini2.1. Item i of a
// batch is named "clip-STEP-MICRO-i".
class SyntheticSource : public BatchSource {
 public:
  explicit SyntheticSource(int64_t channels = 16) : channels_(channels) {}
  Batch Get(int64_t step, int64_t micro) override {
    constexpr int64_t kSize = 2;
    const StepRandom random(99, step, micro);
    Batch batch;
    batch.latents = StepRandom(1, 0, 0).Normal(Draw::kBatch, {1, channels_, 2, 4, 8}, at::kCPU) +
                    0.1 * random.Normal(Draw::kBatch, {kSize, channels_, 2, 4, 8}, at::kCPU);
    const at::Tensor text = random.Normal(Draw::kNoise, {kSize, 5, 64}, at::kCPU);
    for (int64_t i = 0; i < kSize; ++i) {
      const int64_t length = 1 + random.Integer(Draw::kBatch, i, 5);
      batch.text.push_back(text[i].narrow(0, 0, length));
      batch.ids.push_back(std::vector<int32_t>(length, static_cast<int32_t>(3 + i)));
      batch.ids.back().back() = 1;
      batch.items.push_back(fmt::format("clip-{}-{}-{}", step, micro, i));
    }
    return batch;
  }
  std::string Digest() const override { return "synthetic"; }

 private:
  int64_t channels_;
};

inline ModelInfo MiniModel(const std::string& name = "mini2.1") {
  ModelFiles files;
  files.model = T3_SOURCE_DIR "/tests/data/reference/" + name;
  return OpenModel(files);
}

// A run of that model into `output`, with `more` fields.
inline DitTrainConfig MiniConfig(const std::string& output, nlohmann::json more = {}) {
  nlohmann::json document{{"output", output},
                          {"steps", 6},
                          {"batch_size", 2},  // as SyntheticSource
                          {"data", {{"prepared", "unused"}}},
                          {"seed", 5},
                          {"device", "cpu"},
                          {"dtype", "fp32"},
                          {"prompt_dropout", 0.3},
                          {"optimizer", {{"lr", 1e-3}}},
                          {"attention", {{"pattern", "t3"}, {"windows", "2,1,1;1,2,2;1,1,3"}}}};
  if (!more.is_null()) document.update(more, /*merge_objects=*/true);
  return ParseDitTrainConfig(document, "test.json");
}

inline const RunContext& CpuContext() {
  static const ProgressFn none;
  static const RunContext context{none, nullptr, at::kCPU};
  return context;
}

inline std::unique_ptr<DitTask> MiniTask(const DitTrainConfig& config) {
  const at::ScalarType dtype = config.dtype == ComputeDtype::kBf16 ? at::kBFloat16 : at::kFloat;
  return std::make_unique<DitTask>(config, MiniModel(), std::make_unique<SyntheticSource>(), dtype,
                                   CpuContext());
}

}  // namespace t3
