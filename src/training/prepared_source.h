// Training batches from a dataset of `t3 prepare`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/model_info.h"
#include "training/batch_source.h"
#include "training/data/batch_plan.h"
#include "training/data/prepared_dataset.h"
#include "training/train_config.h"

namespace t3 {

class PreparedSource : public BatchSource {
 public:
  // The dataset in `folder`, of which only clips of config.buckets are taken where there are any.
  // Throws Error when it was made with another VAE than the model's or, unless the text encoder is
  // trained, another text encoder, and when no clip is left.
  PreparedSource(const std::string& folder, const ModelInfo& model, const TrainConfig& config);

  Batch Get(int64_t step, int64_t micro) override;
  at::Tensor EmptyText() const override { return dataset_.EmptyText().embeds; }
  std::string Digest() const override;

 private:
  PreparedDataset dataset_;
  std::vector<BucketItems> buckets_;
  int64_t accumulation_;
  std::unique_ptr<BatchPlan> plan_;
};

}  // namespace t3
