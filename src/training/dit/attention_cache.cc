// Makes a layout once for each grid and batch size.
#include "training/dit/attention_cache.h"

#include "pipeline/job.h"

namespace t3 {

AttentionCache::AttentionCache(const ModelInfo& model, const AttentionConfig& config,
                               at::Device device, RankGroup* ranks)
    : model_(model), config_(config), device_(device), ranks_(ranks) {}

const AttentionLayout& AttentionCache::For(const at::Tensor& latents) {
  // Ranks share one video at a time (models/dit/dit.h).
  const int64_t videos = ranks_ != nullptr ? 1 : latents.size(0);
  const Grid grid{latents.size(2), latents.size(3) / 2, latents.size(4) / 2};
  const auto found = layouts_.find({grid, videos});
  if (found != layouts_.end()) return found->second;
  const JobAttention choice = ChooseAttention(model_, config_.attention, WindowsOf(config_), grid);
  const AttentionLayout one = AttentionLayout::Make(
      choice.pattern, choice.windows, grid, model_.dit.num_layers, model_.dit.head_dim(), device_);
  return layouts_
      .emplace(std::pair{grid, videos}, ranks_ != nullptr
                                            ? one.Share(*ranks_, ExecutionMode::kDifferentiable)
                                            : one.Repeat(videos))
      .first->second;
}

}  // namespace t3
