// Training batches from a dataset of `t3 prepare`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "loading/model_info.h"
#include "training/data/batch_plan.h"
#include "training/data/prepared_dataset.h"
#include "training/dit/batch_source.h"
#include "training/dit/dit_config.h"

namespace t3 {

// What batches have of the drafts in a dataset: nothing, Batch::drafts, or the drafts in place of
// the clips where the dataset has them.
enum class PreparedDrafts { kIgnored, kPairs, kInPlace };

class PreparedSource : public BatchSource {
 public:
  // The dataset in `folder`, or if config.buckets names sizes, its clips of these. Throws Error
  // when it was made with another VAE than the model's or, unless the text encoder is trained, with
  // another text encoder, when no clip is left, and when it lacks the drafts of kPairs.
  PreparedSource(const std::string& folder, const ModelInfo& model, const DitTrainConfig& config,
                 PreparedDrafts drafts = PreparedDrafts::kIgnored);

  Batch Get(int64_t step, int64_t micro) override;
  at::Tensor EmptyText() const override { return dataset_.EmptyText().embeds; }
  std::string Digest() const override;
  // Sizes of the clips, with the clips of each.
  const std::vector<BucketItems>& buckets() const { return buckets_; }

 private:
  PreparedDataset dataset_;
  PreparedDrafts drafts_;
  std::vector<BucketItems> buckets_;
  int64_t accumulation_;
  std::unique_ptr<BatchPlan> plan_;
};

}  // namespace t3
