// A batch source over a folder of encoded videos.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/model_config.h"
#include "training/batch_source.h"
#include "training/train_config.h"

namespace t3 {

// Every NAME.safetensors of the folder is an item: `latents` (z,T,h,w), `prompt` (L, text width)
// and, for training the text encoder, `prompt.ids` (L). Only headers are read at the start; items
// of equal shape form a bucket. A batch takes a bucket by chance, in proportion to its items times
// its weight, and different items of it (repeats only where there are fewer than the batch has).
class LatentFolder : public BatchSource {
 public:
  // Keeps the items whose latents have the size of one of `buckets`; all where there are none
  // given. Throws Error for a file that is no item or does not fit the model, and where no item is
  // left.
  LatentFolder(const std::string& folder, const DitConfig& dit, const VaeConfig& vae,
               const std::vector<Bucket>& buckets);

  Batch Get(int64_t step, int64_t micro, int64_t size, const StepRandom& random,
            bool want_ids) override;
  std::string Digest() const override;
  int64_t items() const;

 private:
  struct Group {
    std::vector<std::string> paths;
    double weight = 1;
  };
  void Add(const std::string& path, const DitConfig& dit, const VaeConfig& vae,
           const std::vector<Bucket>& buckets);
  const Group& Choose(const StepRandom& random) const;

  std::map<std::vector<int64_t>, Group> groups_;  // by the shape of the latents
};

}  // namespace t3
