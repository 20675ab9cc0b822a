// dataset.json: what a prepared dataset holds, where, and from what it was encoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "t3video/prepare.h"
#include "training/data/clip_plan.h"
#include "training/data/model_digest.h"

namespace t3 {

// A source file's contents.
struct SourceStamp {
  int64_t bytes = 0;
  int64_t modified = 0;  // ns since 1970; with `bytes`, it saves reading the file again
  std::string digest;
  bool operator==(const SourceStamp&) const = default;
};

struct StoredText {
  std::string caption;
  std::string shard;        // file name within the folder
  std::string name;         // tensors NAME.embeds (tokens,width) and NAME.ids (tokens) int32
  std::string digest = {};  // TensorDigest of NAME.embeds; empty: of an earlier version
};

// The draft of a clip, in the clip's shard.
struct StoredDraft {
  VideoSize size;           // that it was decoded at, before it was enlarged to the clip's
  std::string name;         // tensor like the clip's
  std::string digest = {};  // likewise
};

struct StoredClip {
  std::string file;     // the source's name
  std::string caption;  // has a StoredText
  ClipSize bucket;
  double start = 0;       // seconds into the source
  int64_t number = 0;     // among the clips of its source
  int64_t of_source = 1;  // how many clips the source has
  SourceStamp source;
  std::string shard;
  std::string name;         // tensor (z,T,h,w) fp32, normalised by the VAE's mean and std
  std::string digest = {};  // TensorDigest of it; empty: of an earlier version
  std::optional<StoredDraft> draft = {};  // of every clip, or of none
};

struct DatasetIndex {
  std::string source;  // absolute path of PrepareRequest::source
  ClipSettings settings;
  ModelDigests models;
  std::string decoder;  // DigestDecoder of drafts; empty: without drafts too
  int64_t latent_channels = 0;
  int64_t spatial_stride = 0;
  int64_t text_width = 0;
  bool complete = false;  // the preparation finished
  std::vector<StoredText> texts;
  std::vector<StoredClip> clips;
};

// Writes FOLDER/dataset.json atomically. Throws Error.
void WriteIndex(const std::string& folder, const DatasetIndex& index);

// Nothing when the folder has no dataset.json. Throws Error when it is broken, has a field of
// another type or out of range, or names files outside the folder.
std::optional<DatasetIndex> ReadIndex(const std::string& folder);

// Why clips encoded as `a` says cannot be mixed with those of `b`: "its fps was 16, now 24"; empty
// when they can.
std::string DifferenceInMaking(const DatasetIndex& a, const DatasetIndex& b);

// FOLDER/rejected.json: a list of {"file", "reason"}. Throws Error.
void WriteRejected(const std::string& folder, const std::vector<RejectedSource>& rejected);

}  // namespace t3
