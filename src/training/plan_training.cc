// Counts weights, memory, disk and work of a training run.
#include "training/plan_training.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <map>

#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "base/check.h"
#include "base/free_space.h"
#include "models/dit/weights.h"
#include "pipeline/calibration.h"
#include "pipeline/job.h"
#include "plan/chunks.h"
#include "plan/cost.h"
#include "runtime/device.h"
#include "training/data/prepare_settings.h"
#include "training/dit/lora.h"
#include "training/dit/model_folder.h"
#include "training/loop/sharded_optimizer.h"
#include "training/vae/open_student.h"

namespace t3 {
namespace {

int64_t Elements(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

// Adds what the optimizer and the computation store of trained weights.
class TrainedWeights {
 public:
  TrainedWeights(const TrainConfig& config, at::ScalarType dtype, TrainPlan* plan)
      : config_(config), copies_(dtype == at::kBFloat16), plan_(plan) {}

  // What the optimizer stores beside the weights is divided among `ranks`.
  void DivideAmong(int64_t ranks) { ranks_ = ranks; }

  // `computed_in_fp32`: no bf16 copy is made of it.
  void Add(const std::string& name, const std::vector<int64_t>& shape, bool computed_in_fp32) {
    constexpr int64_t kFloat = 4, kHalf = 2;
    const int64_t count = Elements(shape);
    const int64_t stored =
        kFloat * std::ssize(StoredKinds(config_.optimizer, config_.ema, name, shape));
    plan_->trained_weights += count;
    plan_->checkpoint_bytes += (kFloat + stored) * count;
    plan_->weight_bytes += 2 * kFloat * count;  // and the gradient
    if (copies_ && !computed_in_fp32) plan_->weight_bytes += kHalf * count;
    if (ranks_ == 1) {
      plan_->weight_bytes += stored * count;
    } else {
      stored_bytes_[name] = stored * count;
      leaves_[name] = at::empty(shape, at::TensorOptions(at::kMeta));
    }
  }

  // After the last weight: what the rank that has the largest part stores of them.
  void AddLargestPart() {
    std::vector<int64_t> parts(static_cast<size_t>(ranks_), 0);
    for (const auto& [name, rank] : OwnersOf(leaves_, ranks_))
      parts[static_cast<size_t>(rank)] += stored_bytes_.at(name);
    plan_->weight_bytes += *std::ranges::max_element(parts);
  }

 private:
  const TrainConfig& config_;
  bool copies_;
  TrainPlan* plan_;
  int64_t ranks_ = 1;
  TensorMap leaves_;  // without data
  std::map<std::string, int64_t> stored_bytes_;
};

void FillShared(const TrainConfig& config, at::Device device, at::ScalarType dtype,
                const RankLayout& layout, TrainPlan* plan) {
  plan->ranks = layout.ranks;
  plan->sequence_parallel = layout.sequence;
  plan->output = config.output;
  plan->device = fmt::format("{} ({})", DeviceName(device), device.str());
  plan->dtype = dtype == at::kBFloat16 ? "bf16" : "fp32";
  plan->steps = config.steps;
  plan->accumulation = config.accumulation;
  plan->device_bytes = AvailableBytes(device);
  plan->checkpoints_kept = config.checkpoint.keep;
  plan->free_disk_bytes = FreeBytes(config.output).value_or(-1);
}

int64_t SavedBytes(const TrainConfig& config, const TensorTable& table, bool dit) {
  int64_t bytes = 0;
  for (const TensorSpec& spec : table) {
    const bool half = config.save_dtype == "bf16" && !(dit && IsFloatTensor(spec.name));
    bytes += Elements(spec.shape) * (half ? 2 : 4);
  }
  return bytes;
}

void AddLora(const DitTrainConfig& config, const TensorTable& table, at::ScalarType dtype,
             TrainedWeights* trained, TrainPlan* plan) {
  const int64_t size = dtype == at::kBFloat16 ? 2 : 4;
  for (const TensorSpec& spec : table) {
    plan->frozen_weights += Elements(spec.shape);
    plan->weight_bytes += Elements(spec.shape) * (IsFloatTensor(spec.name) ? 4 : size);
  }
  for (const auto& [name, factor] : InitLora(*config.lora, table, config.seed, at::kMeta)) {
    trained->Add(name, factor.sizes().vec(), /*computed_in_fp32=*/true);
  }
  plan->trained = fmt::format("a LoRA of rank {} on {}", config.lora->rank,
                              fmt::join(config.lora->targets, ", "));
}

void AddWeights(const DitTrainConfig& config, const ModelInfo& model, at::ScalarType dtype,
                TrainPlan* plan) {
  const TensorTable table = DitTensors(model.dit);
  TrainedWeights trained(config, dtype, plan);
  trained.DivideAmong(plan->ranks);
  plan->model_bytes = SavedBytes(config, table, /*dit=*/true) +
                      CopiedBytes(model, config.output, !config.train_text_encoder);
  if (config.lora) {
    AddLora(config, table, dtype, &trained, plan);
    trained.AddLargestPart();
    return;
  }
  for (const TensorSpec& spec : table) {
    trained.Add(spec.name, spec.shape, IsFloatTensor(spec.name));
  }
  plan->trained = "all weights of the denoiser";
  if (config.train_text_encoder) {
    const TensorTable text = TextEncoderTensors(*model.text);
    for (const TensorSpec& spec : text) trained.Add("text_encoder." + spec.name, spec.shape, false);
    plan->model_bytes += SavedBytes(config, text, /*dit=*/false);
    plan->trained += " and of the text encoder";
  }
  trained.AddLargestPart();
}

// Weights in the dtype of the computation.
int64_t FrozenBytes(const TensorTable& table, at::ScalarType dtype) {
  int64_t bytes = 0;
  const int64_t size = dtype == at::kBFloat16 ? 2 : 4;
  for (const TensorSpec& spec : table) {
    bytes += Elements(spec.shape) * (IsFloatTensor(spec.name) ? 4 : size);
  }
  return bytes;
}

// A student's LoRA shares its base with a teacher of the same weights, and needs a copy with the
// factors merged while it is evaluated.
void AddTeacher(const DistillConfig& config, const ModelInfo& base, const TeacherModel& teacher,
                at::ScalarType dtype, TrainPlan* plan) {
  if (config.lora) plan->weight_bytes += FrozenBytes(DitTensors(base.dit), dtype);
  if (config.lora && teacher.is_base) return;
  const TensorTable table = DitTensors(teacher.model.dit);
  plan->weight_bytes += FrozenBytes(table, dtype);
  for (const TensorSpec& spec : table) plan->frozen_weights += Elements(spec.shape);
}

void AddCritic(const DistillConfig& config, const TeacherModel& teacher, at::ScalarType dtype,
               TrainPlan* plan) {
  DitTrainConfig critic = config;
  critic.lora = config.critic.lora;
  critic.ema = 0;
  const TensorTable table = DitTensors(teacher.model.dit);
  TrainPlan own;
  TrainedWeights trained(critic, dtype, &own);
  if (critic.lora) {
    for (const auto& [name, factor] : InitLora(*critic.lora, table, config.seed, at::kMeta)) {
      trained.Add(name, factor.sizes().vec(), /*computed_in_fp32=*/true);
    }
    own.weight_bytes += FrozenBytes(table, dtype);  // with the factors merged
  } else {
    for (const TensorSpec& spec : table) {
      trained.Add(spec.name, spec.shape, IsFloatTensor(spec.name));
    }
  }
  plan->weight_bytes += own.weight_bytes;
  plan->checkpoint_bytes += own.checkpoint_bytes;
  plan->trained += critic.lora
                       ? fmt::format("; for the critic a LoRA of rank {}", critic.lora->rank)
                       : "; all weights of the critic";
}

// The moving average that gives the targets, and its copy in the dtype of the computation.
void AddTarget(const DistillConfig& config, const ModelInfo& base, at::ScalarType dtype,
               TrainPlan* plan) {
  const TensorTable table = DitTensors(base.dit);
  int64_t elements = 0;
  if (config.lora) {
    for (const auto& [name, factor] : InitLora(*config.lora, table, config.seed, at::kMeta)) {
      elements += factor.numel();
    }
  } else {
    for (const TensorSpec& spec : table) elements += Elements(spec.shape);
  }
  plan->weight_bytes += 4 * elements + FrozenBytes(table, dtype);
  plan->checkpoint_bytes += 4 * elements;
}

std::vector<TrainPlan::Size> SizesOf(const DitTrainConfig& config, const ModelInfo& model,
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

// `forwards`: of a step and clip.
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

}  // namespace

TrainPlan PlanDitTraining(const DitTrainConfig& config, const ModelInfo& model,
                          const PreparedSource* source, at::Device device, at::ScalarType dtype,
                          const RankLayout& layout) {
  TrainPlan plan;
  plan.task = "dit";
  plan.base = model.paths.dit;
  FillShared(config, device, dtype, layout, &plan);
  AddWeights(config, model, dtype, &plan);
  plan.sizes = SizesOf(config, model, source);
  AddWork(config, model, ForwardsOfStep(config), device, dtype, &plan);
  return plan;
}

TrainPlan PlanDistillTraining(const DistillConfig& config, const ModelInfo& base,
                              const TeacherModel& teacher, const PreparedSource* source,
                              at::Device device, at::ScalarType dtype, const RankLayout& layout) {
  TrainPlan plan;
  plan.task = "distill";
  plan.base = base.paths.dit;
  FillShared(config, device, dtype, layout, &plan);
  AddWeights(config, base, dtype, &plan);
  AddTeacher(config, base, teacher, dtype, &plan);
  if (config.objective == Objective::kDmd) AddCritic(config, teacher, dtype, &plan);
  if (config.objective == Objective::kConsistency) AddTarget(config, base, dtype, &plan);
  plan.sizes = SizesOf(config, base, source);
  AddWork(config, base, ForwardsOfStep(config, teacher), device, dtype, &plan);
  return plan;
}

namespace {

void AddClipSizes(const VaeTrainConfig& config, TrainPlan* plan) {
  for (const WorldBatchKind& kind : config.world.batches) {
    plan->sizes.push_back({kind.crop_width, kind.crop_height, kind.frames, 0, kind.clips, 0});
  }
}

void AddDecoderStudent(const VaeTrainConfig& config, const VaeFile& teacher, at::ScalarType dtype,
                       TrainPlan* plan) {
  const int64_t size = dtype == at::kBFloat16 ? 2 : 4;
  for (const TensorSpec& spec : VaeTensors(teacher.config)) {
    plan->frozen_weights += Elements(spec.shape);
    plan->weight_bytes += size * Elements(spec.shape);
  }
  TrainedWeights trained(config, dtype, plan);
  trained.DivideAmong(plan->ranks);
  const auto student = OpenDecoderStudent(config.student->decoder,
                                          {teacher, dtype, at::kFloat, at::Device(at::kCPU)});
  for (const auto& [name, leaf] : student->leaves()) {
    trained.Add(name, leaf.sizes().vec(), /*computed_in_fp32=*/false);
    plan->model_bytes += leaf.numel() * (config.save_dtype == "bf16" ? 2 : 4);
  }
  trained.AddLargestPart();
  plan->trained = "the small decoder " + config.student->decoder;
  AddClipSizes(config, plan);
}

}  // namespace

TrainPlan PlanVaeTraining(const VaeTrainConfig& config, const VaeFile& file, at::Device device,
                          at::ScalarType dtype, const RankLayout& layout) {
  TrainPlan plan;
  plan.task = "vae";
  plan.base = file.path;
  plan.trained = config.decoder_only ? "the decoder of the VAE" : "all weights of the VAE";
  FillShared(config, device, dtype, layout, &plan);
  if (config.student) {
    AddDecoderStudent(config, file, dtype, &plan);
    return plan;
  }
  TrainedWeights trained(config, dtype, &plan);
  trained.DivideAmong(plan.ranks);
  const TensorTable table = VaeTensors(file.config);
  for (const TensorSpec& spec : table) {
    if (config.decoder_only && IsEncoderTensor(spec.name)) {
      plan.frozen_weights += Elements(spec.shape);
      plan.weight_bytes += 4 * Elements(spec.shape);
    } else {
      trained.Add(spec.name, spec.shape, /*computed_in_fp32=*/false);
    }
  }
  trained.AddLargestPart();
  plan.model_bytes = SavedBytes(config, table, /*dit=*/false);
  AddClipSizes(config, &plan);
  return plan;
}

}  // namespace t3
