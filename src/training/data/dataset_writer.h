// A dataset as it grows on disk: its shards, and the index that names them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/new_folder.h"
#include "base/output_lock.h"
#include "pipeline/text_embeds.h"
#include "training/data/dataset_index.h"
#include "training/data/shard_writer.h"

namespace t3 {

class DatasetWriter {
 public:
  // Makes the folder where it is missing and locks it. Throws Error when another process prepares
  // into it.
  explicit DatasetWriter(std::string folder);

  // Opens the dataset in the folder, or begins one. `made`: how clips and texts are made; it has
  // none yet. Texts that are there already are kept. Throws Error where the folder has a dataset
  // that is made differently.
  void Open(DatasetIndex made);

  // What is on disk, or will be after Save: texts, and the clips that were kept or saved.
  const DatasetIndex& index() const { return index_; }

  // What an earlier run left: its number of clips; the stamp of the file `name`, nullptr where it
  // had none; the clips of the source with this digest whose shards are there.
  int64_t found_clips() const { return found_clips_; }
  const SourceStamp* FindStamp(const std::string& name) const;
  std::vector<StoredClip> FindClips(const std::string& digest) const;

  // Takes a clip of an earlier run into the dataset.
  void Keep(const StoredClip& clip) { index_.clips.push_back(clip); }
  // Add to shards; they are on disk after Save. clip.shard is set here; `draft`: undefined without
  // clip.draft.
  void AddText(const std::string& caption, const EncodedText& text);
  void AddClip(StoredClip clip, const at::Tensor& latents, const at::Tensor& draft);
  // Removes all clips of a source.
  void RemoveSource(const std::string& file);

  // Writes what is pending, then the index that names it. Throws Error when that fails; what was
  // pending is then lost.
  void Save();
  // Likewise, once there is much of it or it has waited for long (shard_writer.h).
  void SaveWhenDue();
  // Sorts the clips by the place of their source, by its name, and marks the dataset as complete.
  void Complete(const std::map<std::string, size_t>& places);

 private:
  bool HasShard(const std::string& shard) const;

  std::string path_;
  NewFolder folder_;  // outlives the lock
  OutputLock lock_;
  DatasetIndex index_;
  std::map<std::string, std::vector<StoredClip>> found_;  // by source digest
  int64_t found_clips_ = 0;
  std::map<std::string, SourceStamp> stamps_;  // found, by file name
  std::vector<StoredText> new_texts_;          // not on disk yet
  std::vector<StoredClip> new_clips_;
  ShardWriter text_shards_, latent_shards_;
};

}  // namespace t3
