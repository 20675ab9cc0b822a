// Encodes videos and captions once, into a dataset of latents and text embeddings for training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/options.h"
#include "t3video/progress.h"

namespace t3 {

// Maxima of a request; the minima are 1.
inline constexpr int64_t kMaxClipFrames = 100'000, kMaxClipsPerVideo = 1'000'000;
inline constexpr double kMaxUpscale = 16;

// The model's defaults fill what is absent.
struct PrepareRequest {
  // A folder of videos and images, links and subfolders included, each with its caption in NAME.txt
  // beside it; or a list of {"file": ..., "caption": ...}: a .json file, a .jsonl file, or a folder
  // with captions.json.
  std::string source;
  std::string output;                              // folder; a dataset in it is continued
  std::vector<std::pair<int64_t, int64_t>> sizes;  // width, height
  std::vector<int64_t> frames;                     // 4n+1 each
  std::optional<double> fps;
  int64_t clips_per_video = 1;  // at most, spread over the video, without overlap
  double max_upscale = 1;       // how much a source smaller than a size may be enlarged for it
  // Width, height: each clip also gets the latents of its draft of about this area, decoded,
  // enlarged to the clip's size and encoded again, from which a refiner is trained.
  std::optional<std::pair<int64_t, int64_t>> draft = {};
  bool operator==(const PrepareRequest&) const = default;
};

struct RejectedSource {
  std::string file;  // as the list names it, or "SOURCE:NUMBER" for an entry without a file
  std::string reason;
};

struct PrepareResult {
  int64_t clips = 0;     // in the dataset now
  int64_t encoded = 0;   // of these, encoded by this call; the others existed before
  int64_t removed = 0;   // from an earlier call: their source is gone, changed or rejected now
  int64_t captions = 0;  // different ones
  std::vector<RejectedSource> rejected;
  std::vector<std::string> buckets;  // "832x480x81: 12 clips", "... with drafts of 416x240"
};

// Decodes, resamples, scales to cover and crops at the centre (Lanczos), encodes with the VAE in
// fp32 and the text encoder, and writes safetensors shards, dataset.json and rejected.json to
// `output`; drafts are decoded there too, in files without a name. Files that cannot be used, for
// whatever reason, are left out and reported. Throws Error when nothing is usable, when `output`
// holds a dataset of another source, model or settings, when the disk is full, when another process
// prepares into `output`; of kind kInterrupted after `cancel`. Whatever ends it, what was written
// stays, and the same call continues with the rest.
PrepareResult Prepare(const ModelFiles& files, const RunOptions& options,
                      const PrepareRequest& request, const ProgressFn& progress = {},
                      const CancelToken* cancel = nullptr);

}  // namespace t3
