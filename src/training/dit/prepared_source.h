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

class PreparedSource : public BatchSource {
 public:
  // The dataset in `folder`, or if config.buckets names sizes, its clips of these. Throws Error
  // when it was made with another VAE than the model's or, unless the text encoder is trained, with
  // another text encoder, and when no clip is left.
  PreparedSource(const std::string& folder, const ModelInfo& model, const DitTrainConfig& config);

  Batch Get(int64_t step, int64_t micro) override;
  at::Tensor EmptyText() const override { return dataset_.EmptyText().embeds; }
  std::string Digest() const override;
  // Sizes of the clips, with the clips of each.
  const std::vector<BucketItems>& buckets() const { return buckets_; }

 private:
  PreparedDataset dataset_;
  std::vector<BucketItems> buckets_;
  int64_t accumulation_;
  std::unique_ptr<BatchPlan> plan_;
};

}  // namespace t3
