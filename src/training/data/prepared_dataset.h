// Reads the output of `t3 prepare`.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/text_embeds.h"
#include "training/data/dataset_index.h"
#include "weights/weight_file.h"

namespace t3 {

struct PreparedItem {
  std::string name;  // "FILE" or "FILE#2" for the third clip of a file
  std::string caption;
  ClipSize bucket;
  at::Tensor latents;  // (z,T,h,w) fp32 on the CPU, normalised as the DiT sees them
  EncodedText text;    // ids, and embeds (tokens,width) on the CPU, fp32 or bf16
};

struct BucketItems {
  ClipSize bucket;
  std::vector<int64_t> items;  // indices, ascending
};

// Shards are memory-mapped when first used; Get copies. A tensor is compared with its digest when
// it is first read. Thread-safe.
class PreparedDataset {
 public:
  // Throws Error when the folder holds no dataset, or one whose preparation did not finish.
  static PreparedDataset Open(const std::string& folder);

  int64_t size() const { return std::ssize(index_.clips); }
  // Throws Error for missing shards and for those whose tensors are broken or do not match the
  // digests of the index; the message names the shard.
  PreparedItem Get(int64_t i) const;
  // The item with the latents of its draft alone. Throws Error likewise, and without drafts.
  PreparedItem GetOfDraft(int64_t i) const;
  // The latents of its draft, decoded, enlarged and encoded again: like those of the item. Throws
  // Error likewise.
  at::Tensor Draft(int64_t i) const;
  bool has_drafts() const { return index_.settings.draft.has_value(); }
  // The empty prompt, for prompt dropout.
  EncodedText EmptyText() const { return TextOf(""); }
  // In ascending order of size.
  std::vector<BucketItems> Buckets() const;
  // Channels, digests of VAE and text encoder, settings, ...
  const DatasetIndex& index() const { return index_; }

 private:
  PreparedDataset(std::string folder, DatasetIndex index);
  std::shared_ptr<const WeightFile> Shard(const std::string& name) const;
  at::Tensor Read(const std::string& shard, const std::string& name) const;
  const StoredClip& ClipAt(int64_t i) const;
  PreparedItem WithoutLatents(const StoredClip& clip) const;
  at::Tensor ReadLatents(const StoredClip& clip, const std::string& name,
                         const std::string& digest) const;
  void CheckDigest(const std::string& shard, const std::string& name, const at::Tensor& tensor,
                   const std::string& digest) const;
  EncodedText TextOf(const std::string& caption) const;

  std::string folder_;
  DatasetIndex index_;
  std::map<std::string, size_t> texts_;  // caption -> position in index_.texts
  mutable std::mutex mutex_;             // of what follows
  mutable std::map<std::string, std::shared_ptr<const WeightFile>> shards_;
  mutable std::set<std::pair<std::string, std::string>> verified_;  // shards and tensors in them
};

}  // namespace t3
