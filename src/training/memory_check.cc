// Compares a plan with the free memory.
#include "training/memory_check.h"

#include "base/bytes.h"
#include "base/check.h"

namespace t3 {
namespace {

// Sums and comparisons in double: an absurd batch does not overflow.
double NeededBytes(const TrainPlan& plan) {
  return static_cast<double>(plan.weight_bytes) + static_cast<double>(plan.activation_bytes);
}

double FreeShareNeeded(const TrainPlan& plan) {
  return NeededBytes(plan) / static_cast<double>(plan.device_bytes);
}

// Fields that change what is needed, by task.
std::string Remedies(const TrainPlan& plan) {
  if (plan.activation_bytes < plan.weight_bytes)
    return plan.task == "vae" ? "use a device with more" : "train a \"lora\"";
  const std::string batch =
      "lower \"batch_size\" or the clips of a batch in \"data\", and raise "
      "\"accumulation\" as much";
  return plan.task == "vae"
             ? batch + ", or train on smaller crops"
             : batch + ", set \"activation_checkpoints\" to \"block\", or train on smaller clips";
}

std::string NeedText(const TrainPlan& plan) {
  return fmt::format(
      "the training takes {} for weights, gradients and optimizer and {} {} for the activations of "
      "its largest batch, and {} has {} free",
      FormatBytes(plan.weight_bytes), plan.task == "vae" ? "at least" : "about",
      FormatBytes(plan.activation_bytes), plan.device, FormatBytes(plan.device_bytes));
}

constexpr double kRefusedShare = 2;

}  // namespace

std::optional<Error> MemoryRefusal(const TrainPlan& plan) {
  if (plan.device_bytes <= 0 || FreeShareNeeded(plan) <= kRefusedShare) return std::nullopt;
  return Error(fmt::format("{}: {}", NeedText(plan), Remedies(plan)));
}

std::string MemoryNote(const TrainPlan& plan) {
  if (plan.device_bytes <= 0 || FreeShareNeeded(plan) <= 1 ||
      FreeShareNeeded(plan) > kRefusedShare) {
    return "";
  }
  return fmt::format("{}, which may not be enough: {}", NeedText(plan), Remedies(plan));
}

}  // namespace t3
