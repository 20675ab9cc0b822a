// Encoded videos from files.
#include "training/latent_folder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "base/check.h"
#include "pipeline/tensor_file.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// Latents (z,T,h,w) of a bucket.
std::vector<int64_t> LatentShape(const Bucket& bucket, const VaeConfig& vae) {
  const int64_t stride = vae.spatial_stride();
  return {vae.latent_channels, (bucket.frames - 1) / VaeConfig::kTimeStride + 1,
          bucket.height / stride, bucket.width / stride};
}

std::vector<std::string> SortedFiles(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".safetensors") paths.push_back(entry.path().string());
  }
  T3_CHECK(!error, "data: the folder {} cannot be read: {}", folder, error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<int64_t> ShapeOf(const WeightFile& file, const std::string& name, size_t rank) {
  const auto found = file.tensors().find(name);
  T3_CHECK(found != file.tensors().end() && found->second.shape.size() == rank,
           "data: {} has no tensor `{}` with {} dimensions; an item has `latents` (z,T,h,w) and "
           "`prompt` (tokens, width)",
           file.path(), name, rank);
  return found->second.shape;
}

// `count` different numbers below `size` (with repeats where count > size).
std::vector<int64_t> DrawItems(int64_t size, int64_t count, const StepRandom& random) {
  std::vector<int64_t> items(static_cast<size_t>(size));
  std::iota(items.begin(), items.end(), 0);
  std::vector<int64_t> drawn;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t left = size - i % size;  // a fresh deck after every `size` draws
    const int64_t at = random.Integer(Draw::kBatch, i + 1, left);
    std::swap(items[at], items[left - 1]);
    drawn.push_back(items[left - 1]);
  }
  return drawn;
}

}  // namespace

LatentFolder::LatentFolder(const std::string& folder, const DitConfig& dit, const VaeConfig& vae,
                           const std::vector<Bucket>& buckets) {
  for (const std::string& path : SortedFiles(folder)) Add(path, dit, vae, buckets);
  T3_CHECK(!groups_.empty(),
           "data: no item to train on in {}; wanted NAME.safetensors with `latents` and `prompt`{}",
           folder, buckets.empty() ? "" : " of the sizes in \"buckets\"");
}

void LatentFolder::Add(const std::string& path, const DitConfig& dit, const VaeConfig& vae,
                       const std::vector<Bucket>& buckets) {
  const auto file = WeightFile::Open(path);
  const std::vector<int64_t> shape = ShapeOf(*file, "latents", 4);
  const std::vector<int64_t> text = ShapeOf(*file, "prompt", 2);
  T3_CHECK(shape[0] == dit.latent_channels && shape[2] % 2 == 0 && shape[3] % 2 == 0,
           "data: {} holds latents ({}), wanted {} channels and an even height and width", path,
           fmt::join(shape, ", "), dit.latent_channels);
  T3_CHECK(text[1] == dit.text_dim && text[0] >= 1 && text[0] <= dit.text_len,
           "data: {} holds a prompt ({}), wanted (1..{}, {})", path, fmt::join(text, ", "),
           dit.text_len, dit.text_dim);
  double weight = 1;
  if (!buckets.empty()) {
    const auto found = std::find_if(buckets.begin(), buckets.end(), [&](const Bucket& bucket) {
      return LatentShape(bucket, vae) == shape;
    });
    if (found == buckets.end()) return;
    weight = found->weight;
  }
  Group& group = groups_[shape];
  group.weight = weight;
  group.paths.push_back(path);
}

const LatentFolder::Group& LatentFolder::Choose(const StepRandom& random) const {
  const auto mass = [](const Group& group) {
    return group.weight * static_cast<double>(group.paths.size());
  };
  double sum = 0;
  for (const auto& [shape, group] : groups_) sum += mass(group);
  double left = sum * random.Uniform(Draw::kBatch, 0);
  for (const auto& [shape, group] : groups_) {
    left -= mass(group);
    if (left < 0) return group;
  }
  return groups_.rbegin()->second;
}

Batch LatentFolder::Get(int64_t, int64_t, int64_t size, const StepRandom& random, bool want_ids) {
  const Group& group = Choose(random);
  Batch batch;
  std::vector<at::Tensor> latents;
  for (const int64_t item : DrawItems(static_cast<int64_t>(group.paths.size()), size, random)) {
    const std::string& path = group.paths[item];
    const auto file = WeightFile::Open(path);
    latents.push_back(ReadLatents(*file, "latents"));
    if (want_ids) {
      const at::Tensor ids = ReadTensor(*file, "prompt.ids").to(at::kInt).contiguous();
      batch.ids.emplace_back(ids.const_data_ptr<int32_t>(),
                             ids.const_data_ptr<int32_t>() + ids.numel());
    } else {
      batch.text.push_back(ReadTensor(*file, "prompt"));
    }
    batch.items.push_back(path);
  }
  batch.latents = at::stack(latents);
  return batch;
}

int64_t LatentFolder::items() const {
  int64_t count = 0;
  for (const auto& [shape, group] : groups_) count += static_cast<int64_t>(group.paths.size());
  return count;
}

std::string LatentFolder::Digest() const {
  std::string digest;
  for (const auto& [shape, group] : groups_) {
    digest += fmt::format("{}{} of {}", digest.empty() ? "" : ", ", group.paths.size(),
                          fmt::join(shape, "x"));
  }
  return digest;
}

}  // namespace t3
