// Writes shards as the pipeline's tensor files.
#include "training/data/shard_writer.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "base/check.h"
#include "loading/tensor_file.h"

namespace t3 {
namespace {

constexpr int64_t kShardBytes = int64_t{256} << 20;
constexpr std::chrono::seconds kMaxWait{60};

}  // namespace

ShardWriter::ShardWriter(std::string folder, std::string prefix)
    : folder_(std::move(folder)), prefix_(std::move(prefix)) {}

std::string ShardWriter::FileName() const {
  return fmt::format("{}-{:05}.safetensors", prefix_, number_);
}

std::string ShardWriter::Add(const std::string& name, const at::Tensor& tensor) {
  if (pending_.empty()) {
    first_added_ = std::chrono::steady_clock::now();
    while (std::filesystem::exists(std::filesystem::path(folder_) / FileName())) ++number_;
  }
  pending_.emplace_back(name, tensor.detach().cpu().contiguous());
  bytes_ += static_cast<int64_t>(tensor.nbytes());
  return FileName();
}

bool ShardWriter::Due() const {
  return !pending_.empty() &&
         (bytes_ >= kShardBytes || std::chrono::steady_clock::now() - first_added_ >= kMaxWait);
}

void ShardWriter::Flush() {
  if (pending_.empty()) return;
  const auto tensors = std::exchange(pending_, {});
  bytes_ = 0;
  SaveTensors((std::filesystem::path(folder_) / FileName()).string(), tensors, {});
}

}  // namespace t3
