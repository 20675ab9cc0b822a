// Counts weights by the networks' tables of tensors.
#include "training/planned_weights.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <map>

#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "base/check.h"
#include "models/dit/weights.h"
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

int64_t Elements(const TensorTable& table) {
  int64_t count = 0;
  for (const TensorSpec& spec : table) count += Elements(spec.shape);
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

// All weights of a denoiser.
void AddTable(const TensorTable& table, TrainedWeights* trained) {
  for (const TensorSpec& spec : table)
    trained->Add(spec.name, spec.shape, IsFloatTensor(spec.name));
}

// The factors of a LoRA for the weights of `table`.
void AddFactors(const LoraConfig& lora, const TensorTable& table, int64_t seed,
                TrainedWeights* trained) {
  for (const auto& [name, factor] : InitLora(lora, table, seed, at::kMeta)) {
    trained->Add(name, factor.sizes().vec(), /*computed_in_fp32=*/true);
  }
}

int64_t SavedBytes(const TrainConfig& config, const TensorTable& table, bool dit) {
  int64_t bytes = 0;
  for (const TensorSpec& spec : table) {
    const bool half = config.save_dtype == "bf16" && !(dit && IsFloatTensor(spec.name));
    bytes += Elements(spec.shape) * (half ? 2 : 4);
  }
  return bytes;
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

void AddLora(const DitTrainConfig& config, const TensorTable& table, at::ScalarType dtype,
             TrainedWeights* trained, TrainPlan* plan) {
  plan->frozen_weights += Elements(table);
  plan->weight_bytes += FrozenBytes(table, dtype);
  AddFactors(*config.lora, table, config.seed, trained);
  plan->trained = fmt::format("a LoRA of rank {} on {}", config.lora->rank,
                              fmt::join(config.lora->targets, ", "));
}

}  // namespace

void AddDenoiser(const DitTrainConfig& config, const ModelInfo& model, at::ScalarType dtype,
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
  AddTable(table, &trained);
  plan->trained = "all weights of the denoiser";
  if (config.train_text_encoder) {
    const TensorTable text = TextEncoderTensors(*model.text);
    for (const TensorSpec& spec : text) trained.Add("text_encoder." + spec.name, spec.shape, false);
    plan->model_bytes += SavedBytes(config, text, /*dit=*/false);
    plan->trained += " and of the text encoder";
  }
  trained.AddLargestPart();
}

// A student's LoRA shares its base with a teacher of the same weights, and needs a copy with the
// factors merged while it is evaluated.
void AddTeacher(const DistillConfig& config, const ModelInfo& base, const TeacherModel& teacher,
                at::ScalarType dtype, TrainPlan* plan) {
  if (config.lora) plan->weight_bytes += FrozenBytes(DitTensors(base.dit), dtype);
  if (config.lora && teacher.is_base) return;
  const TensorTable table = DitTensors(teacher.model.dit);
  plan->weight_bytes += FrozenBytes(table, dtype);
  plan->frozen_weights += Elements(table);
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
    AddFactors(*critic.lora, table, config.seed, &trained);
    own.weight_bytes += FrozenBytes(table, dtype);  // with the factors merged
  } else {
    AddTable(table, &trained);
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
    elements = Elements(table);
  }
  plan->weight_bytes += 4 * elements + FrozenBytes(table, dtype);
  plan->checkpoint_bytes += 4 * elements;
}

void AddVae(const VaeTrainConfig& config, const VaeFile& file, at::ScalarType dtype,
            TrainPlan* plan) {
  plan->trained = config.decoder_only ? "the decoder of the VAE" : "all weights of the VAE";
  TrainedWeights trained(config, dtype, plan);
  trained.DivideAmong(plan->ranks);
  const TensorTable table = VaeTensors(file.config);
  for (const TensorSpec& spec : table) {
    if (config.decoder_only && IsEncoderTensor(spec.name)) {
      plan->frozen_weights += Elements(spec.shape);
      plan->weight_bytes += 4 * Elements(spec.shape);
    } else {
      trained.Add(spec.name, spec.shape, /*computed_in_fp32=*/false);
    }
  }
  trained.AddLargestPart();
  plan->model_bytes = SavedBytes(config, table, /*dit=*/false);
}

void AddDecoderStudent(const VaeTrainConfig& config, const VaeFile& teacher, at::ScalarType dtype,
                       TrainPlan* plan) {
  const int64_t frozen = Elements(VaeTensors(teacher.config));
  plan->frozen_weights += frozen;
  plan->weight_bytes += (dtype == at::kBFloat16 ? 2 : 4) * frozen;
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
}

}  // namespace t3
