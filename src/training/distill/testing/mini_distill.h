// For tests: distillations of the model in tests/data/reference/mini2.1.
#pragma once

#include <memory>
#include <string>

#include "training/distill/distill_task.h"
#include "training/dit/testing/synthetic_source.h"

namespace t3 {

// A run into `output` with `more` fields.
inline DistillConfig MiniDistillConfig(const std::string& output, nlohmann::json more = {}) {
  nlohmann::json document{{"task", "distill"},
                          {"output", output},
                          {"steps", 4},
                          {"batch_size", 2},  // as SyntheticSource
                          {"data", {{"prepared", "unused"}}},
                          {"seed", 5},
                          {"device", "cpu"},
                          {"dtype", "fp32"},
                          {"optimizer", {{"lr", 1e-3}}},
                          {"teacher", {{"guidance", 3}, {"negative_prompt", ""}}},
                          {"attention", {{"pattern", "t3"}, {"windows", "2,1,1;1,2,2;1,1,3"}}}};
  if (!more.is_null()) document.update(more, /*merge_objects=*/true);
  return ParseDistillConfig(document, "test.json");
}

inline std::unique_ptr<DistillTask> MiniDistill(const DistillConfig& config,
                                                const ModelInfo& base = MiniModel()) {
  return std::make_unique<DistillTask>(config, base, OpenTeacher(config, base),
                                       std::make_unique<SyntheticSource>(), at::kFloat,
                                       CpuContext());
}

}  // namespace t3
