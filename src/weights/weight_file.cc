// WeightFile::Open.
#include "weights/weight_file.h"

#include <filesystem>
#include <vector>

#include "base/check.h"
#include "base/mapped_file.h"
#include "weights/file_kind.h"
#include "weights/safetensors.h"
#include "weights/shard_index.h"
#include "base/text.h"
#include "weights/torch_file.h"

namespace t3 {
namespace {

class OpenedFile : public WeightFile {
 public:
  explicit OpenedFile(const std::string& path) {
    path_ = path;
    Read(Map(path));
  }

 private:
  Bytes Map(const std::string& path) {
    files_.push_back(std::make_unique<MappedFile>(path));
    return files_.back()->bytes();
  }

  void Take(ParsedWeights weights, std::string format) {
    format_ = std::move(format);
    tensors_ = std::move(weights.tensors);
    metadata_ = std::move(weights.metadata);
    owned_ = std::move(weights.owned);
  }

  void Read(Bytes bytes) {
    switch (RecogniseFile(bytes)) {
      case FileKind::kSafetensors:
        return Take(ParseSafetensors(bytes), "safetensors");
      case FileKind::kTorchZip:
        return Take(ParseTorchZip(bytes), "torch zip");
      case FileKind::kTorchLegacy:
        return Take(ParseTorchLegacy(bytes), "torch legacy");
      case FileKind::kShardIndex:
        return OpenShards(ParseShardIndex(bytes));
      case FileKind::kUnknown:
        Fail("{}", DescribeUnknown(bytes));
    }
  }

  // A shard is always safetensors, never another index, so there are no cycles to follow.
  ParsedWeights OpenShard(const std::string& name) {
    const std::string path = (std::filesystem::path(path_).parent_path() / name).string();
    try {
      const Bytes bytes = Map(path);
      T3_CHECK(RecogniseFile(bytes) == FileKind::kSafetensors, "it is not a safetensors file");
      return ParseSafetensors(bytes);
    } catch (const Error& error) {
      Fail("its shard {}: {}", Quote(name), error.what());
    }
  }

  // The index rules: a tensor that a shard holds but the index does not name is not part of the
  // model, and one that is named must be in the shard that is named.
  void OpenShards(const std::map<std::string, std::string>& shard_of) {
    std::map<std::string, ParsedWeights> shards;
    for (const auto& [tensor, name] : shard_of) {
      if (!shards.contains(name)) shards.emplace(name, OpenShard(name));
    }
    for (const auto& [tensor, name] : shard_of) {
      auto entry = shards.at(name).tensors.extract(tensor);
      T3_CHECK(!entry.empty(), "tensor {} is not in shard {}, where the index says it is",
               Quote(tensor), Quote(name));
      tensors_.insert(std::move(entry));
    }
    for (auto& [name, shard] : shards) metadata_.merge(shard.metadata);
    format_ = fmt::format("safetensors (sharded, {} file{})", shards.size(),
                          shards.size() == 1 ? "" : "s");
  }

  std::vector<std::unique_ptr<MappedFile>> files_;
  std::vector<std::unique_ptr<std::byte[]>> owned_;
};

}  // namespace

std::shared_ptr<const WeightFile> WeightFile::Open(const std::string& path) {
  try {
    return std::make_shared<OpenedFile>(path);
  } catch (const Error& error) {
    Fail("cannot read the weights in {}: {}", path, error.what());
  }
}

}  // namespace t3
