// Reads items from shards.
#include "training/data/prepared_dataset.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "base/check.h"
#include "base/target_path.h"
#include "loading/tensor_file.h"
#include "nn/tensor_digest.h"

namespace t3 {

PreparedDataset PreparedDataset::Open(const std::string& folder) {
  const std::filesystem::path file = FileInTheWayOf(folder);
  T3_CHECK(file.empty(), "{} cannot be a dataset: {} is not a folder", folder, file.string());
  auto index = ReadIndex(folder);
  T3_CHECK(index.has_value(), "{} holds no dataset.json; create it with `t3 prepare`", folder);
  T3_CHECK(index->complete,
           "{} is not complete: `t3 prepare` did not finish; the same command continues it",
           folder);
  T3_CHECK(!index->clips.empty(), "{} holds no clip", folder);
  return PreparedDataset(folder, std::move(*index));
}

PreparedDataset::PreparedDataset(std::string folder, DatasetIndex index)
    : folder_(std::move(folder)), index_(std::move(index)) {
  for (size_t i = 0; i < index_.texts.size(); ++i) texts_[index_.texts[i].caption] = i;
}

std::shared_ptr<const WeightFile> PreparedDataset::Shard(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const WeightFile>& file = shards_[name];
  if (file == nullptr) {
    file = WeightFile::Open((std::filesystem::path(folder_) / name).string(), FileOrigin::kOwn);
  }
  return file;
}

at::Tensor PreparedDataset::Read(const std::string& shard, const std::string& name) const {
  return ReadTensor(*Shard(shard), name);
}

// Datasets of earlier versions have none.
void PreparedDataset::CheckDigest(const std::string& shard, const std::string& name,
                                  const at::Tensor& tensor, const std::string& digest) const {
  if (digest.empty()) return;
  const std::pair place(shard, name);
  {
    const std::lock_guard lock(mutex_);
    if (verified_.contains(place)) return;
  }
  T3_CHECK(TensorDigest(tensor) == digest,
           "{}/{}: the tensor {} has changed since `t3 prepare` wrote it; remove the file, and the "
           "same `t3 prepare` makes it again",
           folder_, shard, name);
  const std::lock_guard lock(mutex_);
  verified_.insert(place);
}

EncodedText PreparedDataset::TextOf(const std::string& caption) const {
  const auto found = texts_.find(caption);
  T3_CHECK(found != texts_.end(), "{}/dataset.json has no text '{}'", folder_, caption);
  const StoredText& stored = index_.texts[found->second];
  EncodedText text;
  text.embeds = Read(stored.shard, stored.name + ".embeds");
  const at::Tensor ids = Read(stored.shard, stored.name + ".ids");
  T3_CHECK(text.embeds.dim() == 2 && text.embeds.size(1) == index_.text_width &&
               ids.scalar_type() == at::kInt && ids.sizes() == text.embeds.sizes().slice(0, 1),
           "{}/{}: text {} has shape {} and {} ids; wanted (tokens,{})", folder_, stored.shard,
           stored.name, text.embeds.sizes().vec(), ids.numel(), index_.text_width);
  CheckDigest(stored.shard, stored.name + ".embeds", text.embeds, stored.digest);
  const int32_t* data = ids.const_data_ptr<int32_t>();
  text.ids.assign(data, data + ids.numel());
  return text;
}

const StoredClip& PreparedDataset::ClipAt(int64_t i) const {
  T3_CHECK(i >= 0 && i < size(), "item {} of a dataset of {} items was requested", i, size());
  return index_.clips[static_cast<size_t>(i)];
}

// Of the clip's shape: those of its draft are enlarged to it.
at::Tensor PreparedDataset::ReadLatents(const StoredClip& clip, const std::string& name,
                                        const std::string& digest) const {
  at::Tensor latents = Read(clip.shard, name);
  const int64_t stride = index_.spatial_stride;
  const std::vector<int64_t> wanted{index_.latent_channels,
                                    (clip.bucket.frames - 1) / VaeConfig::kTimeStride + 1,
                                    clip.bucket.height / stride, clip.bucket.width / stride};
  T3_CHECK(latents.sizes() == at::IntArrayRef(wanted) && latents.scalar_type() == at::kFloat,
           "{}/{}: latents {} have shape {}, wanted {}", folder_, clip.shard, name,
           latents.sizes().vec(), wanted);
  CheckDigest(clip.shard, name, latents, digest);
  return latents;
}

at::Tensor PreparedDataset::Draft(int64_t i) const {
  const StoredClip& clip = ClipAt(i);
  T3_CHECK(clip.draft.has_value(), "{} has no drafts", folder_);
  return ReadLatents(clip, clip.draft->name, clip.draft->digest);
}

PreparedItem PreparedDataset::WithoutLatents(const StoredClip& clip) const {
  PreparedItem item;
  item.name = clip.number == 0 ? clip.file : fmt::format("{}#{}", clip.file, clip.number);
  item.caption = clip.caption;
  item.bucket = clip.bucket;
  item.text = TextOf(clip.caption);
  return item;
}

PreparedItem PreparedDataset::Get(int64_t i) const {
  const StoredClip& clip = ClipAt(i);
  PreparedItem item = WithoutLatents(clip);
  item.latents = ReadLatents(clip, clip.name, clip.digest);
  return item;
}

PreparedItem PreparedDataset::GetOfDraft(int64_t i) const {
  PreparedItem item = WithoutLatents(ClipAt(i));
  item.latents = Draft(i);
  return item;
}

std::vector<BucketItems> PreparedDataset::Buckets() const {
  std::map<ClipSize, std::vector<int64_t>> items;
  for (int64_t i = 0; i < size(); ++i) {
    items[index_.clips[static_cast<size_t>(i)].bucket].push_back(i);
  }
  std::vector<BucketItems> buckets;
  for (auto& [bucket, indices] : items) buckets.push_back({bucket, std::move(indices)});
  return buckets;
}

}  // namespace t3
