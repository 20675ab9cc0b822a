// Opening, adding, saving.
#include "training/data/dataset_writer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/digest.h"
#include "base/temporary.h"
#include "nn/tensor_digest.h"

namespace t3 {

namespace fs = std::filesystem;

DatasetWriter::DatasetWriter(std::string folder)
    : path_(std::move(folder)),
      folder_(path_),
      lock_(path_),
      text_shards_(path_, "text"),
      latent_shards_(path_, "latents") {
  RemoveStaleTemporaries(path_);
}

void DatasetWriter::Open(DatasetIndex made) {
  index_ = std::move(made);
  const auto found = ReadIndex(path_);
  if (!found) return;
  const std::string difference = DifferenceInMaking(*found, index_);
  T3_CHECK(difference.empty(),
           "{} holds another dataset: {}; choose another output, or remove that dataset", path_,
           difference);
  index_.texts = found->texts;
  for (const StoredClip& clip : found->clips) {
    if (HasShard(clip.shard)) found_[clip.source.digest].push_back(clip);
  }
  std::erase_if(index_.texts, [&](const StoredText& text) { return !HasShard(text.shard); });
  for (const StoredClip& clip : found->clips) stamps_[clip.file] = clip.source;
  found_clips_ = std::ssize(found->clips);
}

bool DatasetWriter::HasShard(const std::string& shard) const {
  std::error_code ignored;
  return fs::exists(fs::path(path_) / shard, ignored);
}

const SourceStamp* DatasetWriter::FindStamp(const std::string& name) const {
  const auto found = stamps_.find(name);
  return found == stamps_.end() ? nullptr : &found->second;
}

std::vector<StoredClip> DatasetWriter::FindClips(const std::string& digest) const {
  const auto found = found_.find(digest);
  return found == found_.end() ? std::vector<StoredClip>{} : found->second;
}

void DatasetWriter::AddText(const std::string& caption, const EncodedText& text) {
  const std::string name = DigestText(Digest(caption));
  const at::Tensor ids = at::tensor(at::ArrayRef<int32_t>(text.ids), at::kInt);
  text_shards_.Add(name + ".ids", ids);
  const std::string shard = text_shards_.Add(name + ".embeds", text.embeds);
  new_texts_.push_back({caption, shard, name, TensorDigest(text.embeds)});
}

void DatasetWriter::AddClip(StoredClip clip, const at::Tensor& latents, const at::Tensor& draft) {
  clip.shard = latent_shards_.Add(clip.name, latents);
  clip.digest = TensorDigest(latents);
  if (draft.defined()) {
    latent_shards_.Add(clip.draft->name, draft);  // to the same shard
    clip.draft->digest = TensorDigest(draft);
  }
  new_clips_.push_back(std::move(clip));
}

void DatasetWriter::RemoveSource(const std::string& file) {
  const auto of_source = [&](const StoredClip& clip) { return clip.file == file; };
  std::erase_if(index_.clips, of_source);
  std::erase_if(new_clips_, of_source);
}

void DatasetWriter::Save() {
  const auto texts = std::exchange(new_texts_, {});
  const auto clips = std::exchange(new_clips_, {});
  text_shards_.Flush();
  latent_shards_.Flush();
  index_.texts.insert(index_.texts.end(), texts.begin(), texts.end());
  index_.clips.insert(index_.clips.end(), clips.begin(), clips.end());
  WriteIndex(path_, index_);
}

void DatasetWriter::SaveWhenDue() {
  if (text_shards_.Due() || latent_shards_.Due()) Save();
}

void DatasetWriter::Complete(const std::map<std::string, size_t>& places) {
  std::sort(index_.clips.begin(), index_.clips.end(), [&](const auto& a, const auto& b) {
    return std::pair(places.at(a.file), a.number) < std::pair(places.at(b.file), b.number);
  });
  index_.complete = true;
  WriteIndex(path_, index_);
}

}  // namespace t3
