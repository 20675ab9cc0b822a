// Flow matching.
#include "training/dit/flow.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "config/sampling_config.h"

namespace t3 {

TimestepTable::TimestepTable(const TimestepConfig& config) {
  for (int64_t i = 0; i < kSize; ++i) {
    const double u = 1.0 - static_cast<double>(i) / kSize;
    sigmas_.push_back(ShiftedLevel(u, config.shift));
    const double centred = (timestep(i) - 500) / 1000;
    weights_.push_back(std::exp(-2 * centred * centred));
  }
  // Timesteps fall along the table.
  while (first_ < kSize && timestep(first_) > config.max) ++first_;
  int64_t end = first_;
  while (end < kSize && timestep(end) >= config.min) ++end;
  count_ = end - first_;
  T3_CHECK(count_ > 0,
           "\"timesteps\": none of the {} levels lies within \"min\" {} and \"max\" {}; give wider "
           "limits",
           kSize, config.min, config.max);
  if (config.weighting == Weighting::kNone) {
    weights_.assign(kSize, 1);
    return;
  }
  const double min = *std::min_element(weights_.begin(), weights_.end());
  double sum = 0;
  for (double& weight : weights_) sum += weight -= min;
  for (double& weight : weights_) weight *= kSize / sum;
}

NoisyBatch AddNoiseFromDrafts(const at::Tensor& latents, const DraftStart& start,
                              const TimestepTable& table, const StepRandom& random) {
  NoisyBatch batch;
  std::vector<double> sigmas, weights;
  for (int64_t i = 0; i < latents.size(0); ++i) {
    const int64_t index = table.first() + random.Integer(Draw::kTimestep, i, table.count());
    sigmas.push_back(table.sigma(index));
    weights.push_back(table.weight(index));
    batch.timesteps.push_back(table.timestep(index));
  }
  batch.weights = at::tensor(weights, at::kFloat).to(latents.device());
  batch.clean_frames.assign(sigmas.size(), 0);
  const at::Tensor level =
      at::tensor(sigmas, at::kFloat).to(latents.device()).view({-1, 1, 1, 1, 1});
  const at::Tensor noise = random.Normal(Draw::kNoise, latents.sizes(), latents.device());
  const at::Tensor end = at::lerp(start.drafts, noise, start.level);
  batch.noisy = at::lerp(latents, end, level / start.level);
  batch.target = (end - latents) / start.level;
  return batch;
}

NoisyBatch AddNoise(const at::Tensor& latents, const TimestepTable& table, const StepRandom& random,
                    double image_to_video) {
  NoisyBatch batch = AddNoiseFromDrafts(latents, {latents, 1}, table, random);
  for (int64_t i = 0; i < latents.size(0); ++i) {
    const bool conditioned =
        latents.size(2) > 1 && random.Uniform(Draw::kImageToVideo, i) < image_to_video;
    if (!conditioned) continue;
    batch.clean_frames[static_cast<size_t>(i)] = 1;
    batch.noisy[i].select(1, 0).copy_(latents[i].select(1, 0));
  }
  return batch;
}

void WeighPlaces(const at::Tensor& weights, NoisyBatch* batch) {
  const at::Tensor level = at::tensor(batch->timesteps, at::kFloat).to(weights.device()) / 1000;
  batch->places = at::lerp(weights, at::ones_like(weights), level.view({-1, 1, 1, 1, 1}));
}

at::Tensor FlowLoss(const at::Tensor& velocity, const NoisyBatch& batch) {
  at::Tensor squares = (velocity - batch.target).square();
  if (batch.places.defined()) squares = squares * batch.places;
  if (std::ranges::all_of(batch.clean_frames, [](int64_t frames) { return frames == 0; }))
    return (squares.flatten(1).mean(1) * batch.weights).mean();
  std::vector<at::Tensor> errors;
  for (int64_t i = 0; i < squares.size(0); ++i) {
    const int64_t clean = batch.clean_frames[static_cast<size_t>(i)];
    errors.push_back(squares[i].narrow(1, clean, squares.size(2) - clean).mean());
  }
  return (at::stack(errors) * batch.weights).mean();
}

}  // namespace t3
