// Tokens, activations and time.
#include "training/planned_work.h"

#include <algorithm>

#include "arch/vae_levels.h"
#include "base/check.h"
#include "pipeline/calibration.h"
#include "pipeline/job.h"
#include "plan/chunks.h"
#include "plan/cost.h"
#include "training/data/prepare_settings.h"

namespace t3 {
namespace {

// Activations that the backward pass of one clip finds, in bytes: what docs/reference/training.md
// says is stored, counted in elements of the computation's dtype for each token.
int64_t ActivationBytes(const DitTrainConfig& config, const DitConfig& dit, int64_t tokens,
                        at::ScalarType dtype) {
  const int64_t block = DifferentiableRow(dit.dim, dit.ffn_dim);
  const int64_t size = dtype == at::kBFloat16 ? 2 : 4;
  const int64_t layers = dit.num_layers;
  int64_t elements = block * layers;
  if (config.activations == Activations::kBlock) elements = layers * dit.dim + block;
  if (config.activations == Activations::kOffload) elements = 2 * dit.dim + block;
  return elements * tokens * size;
}

// Of a pixel: the inputs of the convolutions at full size, two in a residual block, which the
// backward pass needs. A small decoder's are not known here.
int64_t VaeBytesOfPixel(const VaeTrainConfig& config, const VaeConfig& vae, at::ScalarType dtype) {
  constexpr int64_t kVideos = 2 * 3 * 4;  // clip and reconstruction, fp32
  if (config.student) return kVideos;
  int64_t channels = 2 * kVaeDecoderBlocks * vae.decoder_dim;
  if (!config.decoder_only) channels += 2 * kVaeEncoderBlocks * vae.encoder_dim;
  return kVideos + channels * (dtype == at::kBFloat16 ? 2 : 4) / (vae.patch() * vae.patch());
}

}  // namespace

std::vector<TrainPlan::Size> ClipSizes(const DitTrainConfig& config, const ModelInfo& model,
                                       const PreparedSource* source) {
  std::vector<TrainPlan::Size> sizes;
  const auto add = [&](const ClipSize& size, int64_t clips) {
    sizes.push_back({size.width, size.height, size.frames, clips, config.batch_size, 0});
  };
  if (source != nullptr) {
    for (const BucketItems& bucket : source->buckets()) {
      add(bucket.bucket, std::ssize(bucket.items));
    }
  } else if (config.data.world) {
    for (const WorldLatentSize& size : config.data.world->sizes) {
      sizes.push_back({size.width, size.height, size.frames, size.clips, size.batch, 0});
    }
  } else if (!config.buckets.empty()) {
    for (const Bucket& bucket : config.buckets) {
      add({bucket.width, bucket.height, bucket.frames}, 0);
    }
  } else {
    for (const ClipSize& size : SettingsOf(model, *config.data.videos).buckets) add(size, 0);
  }
  return sizes;
}

// A backward pass costs two forwards, and recomputing a block one more.
double ForwardsOfStep(const DitTrainConfig& config) {
  return config.activations == Activations::kStore ? 3 : 4;
}

// A sample of the student takes half of its steps before the last one on average. The teacher takes
// two forwards with guidance.
double ForwardsOfStep(const DistillConfig& config, const TeacherModel& teacher) {
  const double training = ForwardsOfStep(config);
  const double judged = teacher.guidance == 1 ? 1 : 2;
  if (config.objective == Objective::kRefine) return training + (teacher.guidance == 1 ? 0 : 2);
  if (config.objective == Objective::kGuidance) return training + judged;
  if (config.objective == Objective::kConsistency) return training + judged + 1;
  const double before = static_cast<double>(config.sampling.list_length() - 1) / 2;
  const double of_critic = before + 1 + training;
  return before + training + judged + 1 + static_cast<double>(config.critic.updates) * of_critic;
}

void AddWork(const DitTrainConfig& config, const ModelInfo& model, double forwards,
             at::Device device, at::ScalarType dtype, TrainPlan* plan) {
  const VaeConfig vae = VaeOf(model);
  double seconds = 0;
  bool calibrated = true;
  for (TrainPlan::Size& size : plan->sizes) {
    const Grid grid = PlanVideo(size.width, size.height, size.frames, vae).grid;
    const JobAttention attention =
        ChooseAttention(model, config.attention, WindowsOf(config), grid);
    size.tokens = grid.tokens();
    plan->attention = AttentionName(attention.pattern);
    if (attention.pattern != AttentionPattern::kFull) {
      plan->attention += ", windows " + FormatWindows(attention.windows);
    }
    const int64_t own_tokens =
        (size.tokens + plan->sequence_parallel - 1) / plan->sequence_parallel;
    plan->activation_bytes = std::max(
        plan->activation_bytes, size.batch * ActivationBytes(config, model.dit, own_tokens, dtype));
    const auto rates = FindCalibration({model.dit, vae, attention.pattern, device, dtype});
    calibrated = calibrated && rates.has_value();
    if (!rates) continue;
    const DitCost cost = CostOfForward(model.dit, attention.pattern, attention.windows, grid);
    // Of the ranks that have the most batches; exchanges are not counted.
    const int64_t groups = plan->ranks / plan->sequence_parallel;
    const int64_t batches = (config.accumulation + groups - 1) / groups;
    seconds += rates->ForwardSeconds(cost) * forwards * static_cast<double>(size.batch * batches) /
               static_cast<double>(plan->sequence_parallel);
  }
  if (calibrated && !plan->sizes.empty()) {
    plan->step_seconds = seconds / static_cast<double>(plan->sizes.size());
  }
}

void AddVaeWork(const VaeTrainConfig& config, const VaeConfig& vae, at::ScalarType dtype,
                TrainPlan* plan) {
  const int64_t bytes_of_pixel = VaeBytesOfPixel(config, vae, dtype);
  for (const TrainPlan::Size& size : plan->sizes) {
    const int64_t pixels = size.batch * size.frames * size.width * size.height;
    plan->activation_bytes = std::max(plan->activation_bytes, pixels * bytes_of_pixel);
  }
}

}  // namespace t3
