// Fits coefficients by ridge regression, and reads attributes with them.
#include "measure/world_fitted.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "measure/world_features.h"

namespace t3 {
namespace {

// Written by world_fit: a scale for each feature, then blocks of coefficients in the order below.
constexpr float kFitted[] = {
#include "measure/world_fitted_data.inc"
};

struct Block {
  WorldAttribute attribute;
  int time;  // only for scenes of this time of day; -1 for all
};
constexpr int kTimes = 4;

std::vector<Block> SceneBlocks() {
  std::vector<Block> blocks = {{WorldAttribute::kTime, -1}};
  for (int time = 0; time < kTimes; ++time) {
    blocks.push_back({WorldAttribute::kLand, time});
    blocks.push_back({WorldAttribute::kClouds, time});
    blocks.push_back({WorldAttribute::kLight, time});
  }
  return blocks;
}

int64_t CountOf(WorldAttribute attribute) {
  return static_cast<int64_t>(WorldValueNames(attribute).size());
}

// Reads the table row by row.
struct Table {
  const float* at = kFitted;
  at::Tensor Take(int64_t rows, int64_t columns) {
    const at::Tensor part = at::empty({rows, columns}, at::kFloat);
    T3_CHECK(at + part.numel() <= std::end(kFitted),
             "world detector: the fitted table is too short; run world_fit again");
    std::copy(at, at + part.numel(), part.mutable_data_ptr<float>());
    at += part.numel();
    return part;
  }
};

int Best(const at::Tensor& coefficients, const at::Tensor& features) {
  return static_cast<int>(at::mv(coefficients, features).argmax().item<int64_t>());
}

// (values, features) in fp64 from examples (N, features) and their values.
at::Tensor Ridge(const at::Tensor& features, const std::vector<int64_t>& values, int64_t count) {
  const at::Tensor right = at::one_hot(at::tensor(values, at::kLong), count).to(at::kDouble);
  const double n = static_cast<double>(values.size());
  const at::Tensor square =
      features.t().mm(features) + at::eye(features.size(1), features.options()) * (2e-4 * n);
  return at::linalg_solve(square, features.t().mm(right)).t().contiguous();
}

void Append(std::string& text, const at::Tensor& numbers) {
  const at::Tensor flat = numbers.to(at::kFloat).contiguous().view({-1});
  const float* data = flat.const_data_ptr<float>();
  for (int64_t i = 0; i < flat.numel(); ++i) {
    text += fmt::format("{:.4g},{}", data[i], i % 16 == 15 || i + 1 == flat.numel() ? "\n" : " ");
  }
}

// Examples of one time of day, or all, as (N, features) and values of an attribute.
void FitBlock(const std::vector<WorldExample>& examples, const Block& block, bool object,
              const at::Tensor& scale, std::string& text) {
  std::vector<at::Tensor> rows;
  std::vector<int64_t> values;
  for (const WorldExample& example : examples) {
    const int time = example.values[static_cast<int>(WorldAttribute::kTime)];
    if (block.time >= 0 && block.time != time) continue;
    rows.push_back(object ? example.features.object : example.features.scene);
    values.push_back(example.values[static_cast<int>(block.attribute)]);
  }
  T3_CHECK(!rows.empty(), "world_fit: there are no examples of time of day {}", block.time);
  Append(text, Ridge(at::stack(rows).to(at::kDouble) * scale, values, CountOf(block.attribute)));
}

// 1 / spread of each feature, 1 for the constant one.
at::Tensor ScaleOf(const std::vector<WorldExample>& examples, bool object) {
  std::vector<at::Tensor> rows;
  for (const WorldExample& e : examples)
    rows.push_back(object ? e.features.object : e.features.scene);
  const at::Tensor spread = at::stack(rows).to(at::kDouble).std(0);
  return at::where(spread < 1e-6, at::ones_like(spread), 1 / spread.clamp_min(1e-6));
}

}  // namespace

WorldValues ReadFitted(const WorldFeatures& features) {
  Table table;
  const at::Tensor scene = features.scene * table.Take(1, kSceneFeatures)[0];
  const at::Tensor object = features.object * table.Take(1, kObjectFeatures)[0];
  WorldValues values{};
  int time = -1;
  for (const Block& block : SceneBlocks()) {
    const at::Tensor part = table.Take(CountOf(block.attribute), kSceneFeatures);
    if (block.time >= 0 && block.time != time) continue;
    const int value = Best(part, scene);
    values[static_cast<int>(block.attribute)] = value;
    if (block.attribute == WorldAttribute::kTime) time = value;
  }
  values[static_cast<int>(WorldAttribute::kObject)] =
      Best(table.Take(CountOf(WorldAttribute::kObject), kObjectFeatures), object);
  return values;
}

std::string FitWorld(const std::vector<WorldExample>& examples) {
  const at::Tensor scene = ScaleOf(examples, false), object = ScaleOf(examples, true);
  std::string text = "// Written by world_fit (src/measure/world_fit.cc).\n";
  Append(text, scene), Append(text, object);
  for (const Block& block : SceneBlocks()) FitBlock(examples, block, false, scene, text);
  FitBlock(examples, {WorldAttribute::kObject, -1}, true, object, text);
  return text;
}

}  // namespace t3
