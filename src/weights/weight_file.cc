// WeightFile::Open.
#include "weights/weight_file.h"

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/mapped_file.h"
#include "base/text.h"
#include "weights/file_kind.h"
#include "weights/gguf.h"
#include "weights/safetensors.h"
#include "weights/shard_index.h"
#include "weights/torch_file.h"
#include "weights/wrappers.h"

namespace t3 {
namespace {

class OpenedFile : public WeightFile {
 public:
  // Maps the file, unless it is one of several shards. Errors name it.
  explicit OpenedFile(const std::string& path)
      : shards_(ShardNames(std::filesystem::path(path).filename().string())) {
    path_ = path;
    if (!IsOneOfShards()) Map(path);
  }

  // Errors do not name the file.
  void Read() {
    if (IsOneOfShards()) return OpenShards(shards_);
    const Bytes bytes = files_.front()->bytes();
    const FileKind kind = RecogniseFile(bytes);
    if (kind == FileKind::kShardIndex) return OpenIndex(ParseShardIndex(bytes));
    Take(Parse(bytes, kind), FormatName(kind));
  }

 private:
  bool IsOneOfShards() const { return shards_.size() > 1; }

  Bytes Map(const std::string& path) {
    files_.push_back(std::make_unique<MappedFile>(path));
    return files_.back()->bytes();
  }

  void Take(ParsedWeights weights, std::string format) {
    RemoveWrappers(&weights);
    format_ = std::move(format);
    tensors_ = std::move(weights.tensors);
    metadata_ = std::move(weights.metadata);
    notes_ = std::move(weights.notes);
    owned_ = std::move(weights.owned);
  }

  static const char* FormatName(FileKind kind) {
    switch (kind) {
      case FileKind::kTorchZip:
        return "torch zip";
      case FileKind::kTorchLegacy:
        return "torch legacy";
      case FileKind::kGguf:
        return "GGUF";
      default:
        return "safetensors";
    }
  }

  // Shards are never another index, so there are no cycles to follow.
  static ParsedWeights Parse(Bytes bytes, FileKind kind) {
    switch (kind) {
      case FileKind::kSafetensors:
        return ParseSafetensors(bytes);
      case FileKind::kTorchZip:
        return ParseTorchZip(bytes);
      case FileKind::kTorchLegacy:
        return ParseTorchLegacy(bytes);
      case FileKind::kGguf:
        return ParseGguf(bytes);
      case FileKind::kShardIndex:
        Fail("it is an index of shards, wanted a shard");
      case FileKind::kUnknown:
        break;
    }
    Fail("{}", DescribeUnknown(bytes));
  }

  std::filesystem::path Beside(const std::string& name) const {
    return std::filesystem::path(path_).parent_path() / name;
  }

  ParsedWeights OpenShard(const std::string& name) {
    try {
      const Bytes bytes = Map(Beside(name).string());
      return Parse(bytes, RecogniseFile(bytes));
    } catch (const Error& error) {
      Fail("its shard {}: {}", Quote(name), error.what());
    }
  }

  // Shards are of one kind, that of the file opened last.
  std::string ShardedFormat(size_t count) const {
    return fmt::format("{} (sharded, {} file{})", FormatName(RecogniseFile(files_.back()->bytes())),
                       count, count == 1 ? "" : "s");
  }

  // A tensor that a shard holds but the index does not name is not part of the model, and one that
  // is named must be in the shard that is named.
  void OpenIndex(const std::map<std::string, std::string>& shard_of) {
    std::map<std::string, ParsedWeights> shards;
    for (const auto& [tensor, name] : shard_of) {
      if (!shards.contains(name)) shards.emplace(name, OpenShard(name));
    }
    ParsedWeights whole;
    for (const auto& [tensor, name] : shard_of) {
      auto entry = shards.at(name).tensors.extract(tensor);
      T3_CHECK(!entry.empty(), "tensor {} is not in shard {}, where the index says it is",
               Quote(tensor), Quote(name));
      whole.tensors.insert(std::move(entry));
    }
    for (auto& [name, shard] : shards) MergeRest(&shard, &whole);
    Take(std::move(whole), ShardedFormat(shards.size()));
  }

  // Without an index: every shard must be there, and each tensor in one of them.
  void OpenShards(const std::vector<std::string>& names) {
    std::vector<std::string> missing;
    std::error_code ignored;
    for (const std::string& name : names) {
      if (!std::filesystem::exists(Beside(name), ignored)) missing.push_back(Quote(name));
    }
    T3_CHECK(missing.empty(), "{} of its {} shards {} missing: {}; download the rest",
             missing.size(), names.size(), missing.size() == 1 ? "is" : "are",
             fmt::join(missing, ", "));
    ParsedWeights whole;
    for (const std::string& name : names) {
      ParsedWeights shard = OpenShard(name);
      whole.tensors.merge(shard.tensors);
      T3_CHECK(shard.tensors.empty(), "tensor {} is in shard {} and in another one",
               Quote(shard.tensors.begin()->first), Quote(name));
      MergeRest(&shard, &whole);
    }
    Take(std::move(whole), ShardedFormat(names.size()));
  }

  // All but the tensors.
  static void MergeRest(ParsedWeights* shard, ParsedWeights* whole) {
    whole->metadata.merge(shard->metadata);
    for (std::string& note : shard->notes) whole->notes.push_back(std::move(note));
    for (auto& data : shard->owned) whole->owned.push_back(std::move(data));
  }

  std::vector<std::string> shards_;  // by the file's name
  std::vector<std::unique_ptr<MappedFile>> files_;
  std::vector<std::unique_ptr<std::byte[]>> owned_;
};

}  // namespace

std::shared_ptr<const WeightFile> WeightFile::Open(const std::string& path, FileOrigin origin) {
  constexpr std::string_view kAdvice = "; fetch it again";  // of the parsers
  const auto file = std::make_shared<OpenedFile>(path);
  try {
    file->Read();
    return file;
  } catch (const Error& error) {
    if (origin == FileOrigin::kWeights)
      Fail("cannot read the weights in {}: {}", path, error.what());
    std::string fault = error.what();
    if (fault.ends_with(kAdvice)) fault.resize(fault.size() - kAdvice.size());
    Fail("cannot read {}: {}", path, fault);
  }
}

}  // namespace t3
