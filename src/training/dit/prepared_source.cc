// Batches of prepared clips.
#include "training/dit/prepared_source.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "base/digest.h"
#include "training/data/model_digest.h"

namespace t3 {
namespace {

bool IsWanted(const ClipSize& size, const std::vector<Bucket>& buckets) {
  return buckets.empty() || std::any_of(buckets.begin(), buckets.end(), [&](const Bucket& bucket) {
           return size == ClipSize{bucket.width, bucket.height, bucket.frames};
         });
}

// To the model, latents of another VAE are noise, and so are captions of another encoder.
void CheckModel(const DatasetIndex& index, const ModelInfo& model, const std::string& folder,
                bool encoder_trained) {
  const ModelDigests digests = DigestModel(model);
  T3_CHECK(index.models.vae == digests.vae,
           "data: {} was prepared with another VAE than {}; run `t3 prepare` with this model",
           folder, model.paths.vae);
  T3_CHECK(encoder_trained || index.models.text_encoder == digests.text_encoder,
           "data: {} was prepared with another text encoder or tokenizer than {}; run `t3 prepare` "
           "with this model",
           folder, model.paths.text_encoder);
}

}  // namespace

PreparedSource::PreparedSource(const std::string& folder, const ModelInfo& model,
                               const DitTrainConfig& config, PreparedDrafts drafts)
    : dataset_(PreparedDataset::Open(folder)),
      drafts_(dataset_.has_drafts() ? drafts : PreparedDrafts::kIgnored),
      accumulation_(config.accumulation) {
  T3_CHECK(drafts != PreparedDrafts::kPairs || dataset_.has_drafts(),
           "data: {} has clips without drafts, and this objective learns from both; run `t3 "
           "prepare` with `draft` WIDTHxHEIGHT and another output",
           folder);
  CheckModel(dataset_.index(), model, folder, config.train_text_encoder);
  std::vector<std::vector<int64_t>> items;
  std::vector<std::string> sizes;
  for (BucketItems& bucket : dataset_.Buckets()) {
    sizes.push_back(ClipSizeText(bucket.bucket));
    if (!IsWanted(bucket.bucket, config.buckets)) continue;
    items.push_back(bucket.items);
    buckets_.push_back(std::move(bucket));
  }
  T3_CHECK(!items.empty(), "data: {} has no clip of the sizes in \"buckets\"; it has {}", folder,
           fmt::join(sizes, ", "));
  plan_ = std::make_unique<BatchPlan>(std::move(items), config.batch_size,
                                      static_cast<uint64_t>(config.seed));
}

Batch PreparedSource::Get(int64_t step, int64_t micro) {
  Batch batch;
  std::vector<at::Tensor> latents, drafts;
  for (const int64_t index : plan_->At(step * accumulation_ + micro)) {
    PreparedItem item =
        drafts_ == PreparedDrafts::kInPlace ? dataset_.GetOfDraft(index) : dataset_.Get(index);
    latents.push_back(item.latents);
    if (drafts_ == PreparedDrafts::kPairs) drafts.push_back(dataset_.Draft(index));
    batch.text.push_back(item.text.embeds);
    batch.ids.push_back(std::move(item.text.ids));
    batch.items.push_back(std::move(item.name));
  }
  batch.latents = at::stack(latents);
  if (drafts_ == PreparedDrafts::kPairs) batch.drafts = at::stack(drafts);
  return batch;
}

std::string PreparedSource::Digest() const {
  std::string names, sizes;
  for (const BucketItems& bucket : buckets_) {
    sizes += fmt::format("{}{} of {}", sizes.empty() ? "" : ", ", bucket.items.size(),
                         ClipSizeText(bucket.bucket));
    if (drafts_ != PreparedDrafts::kIgnored) {  // all of a size have drafts of one size
      const auto first = static_cast<size_t>(bucket.items.front());
      const VideoSize draft = dataset_.index().clips[first].draft->size;
      sizes += fmt::format(" with drafts of {}x{}", draft.width, draft.height);
    }
    for (const int64_t item : bucket.items) {
      const StoredClip& clip = dataset_.index().clips[static_cast<size_t>(item)];
      names += fmt::format("{} {} {}\n", clip.source.digest, clip.number, clip.caption);
    }
  }
  if (drafts_ != PreparedDrafts::kIgnored && !dataset_.index().decoder.empty())
    sizes += " decoded by " + dataset_.index().decoder;
  return fmt::format("{} ({})", sizes, DigestText(t3::Digest(names)));
}

}  // namespace t3
