// Links a model's parts.
#include "training/dit/model_folder.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/free_space.h"
#include "base/json.h"
#include "base/mapped_file.h"
#include "loading/sampling_json.h"
#include "loading/stage_loras.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

void LinkFile(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (fs::exists(to, error)) return;
  fs::create_directories(to.parent_path(), error);
  fs::create_hard_link(fs::canonical(from, error), to, error);
  if (!error) return;
  error.clear();
  AtomicFile copy(to.string());  // a part of a file would count as the file the next time
  fs::copy_file(from, copy.temporary(), fs::copy_options::overwrite_existing, error);
  T3_CHECK(!error, "cannot copy {} to {}: {}", from.string(), to.string(), error.message());
  copy.Commit();
}

struct Link {
  fs::path from, to;
};

// A part in one file, or in shards named by its index, which stay beside it; none for "".
std::vector<Link> LinksOf(const std::string& path, const fs::path& folder,
                          const std::string& name) {
  if (path.empty()) return {};
  const fs::path from(path);
  if (!path.ends_with(".index.json")) return {{from, folder / (name + from.extension().string())}};
  const MappedFile file(path);
  std::set<std::string> shards;
  const nlohmann::json index = ParseJson(file.bytes(), path);
  for (const auto& [tensor, shard] : index.at("weight_map").items()) shards.insert(shard);
  const fs::path target = folder / from.parent_path().filename();
  std::vector<Link> links;
  for (const std::string& shard : shards)
    links.push_back({from.parent_path() / shard, target / shard});
  links.push_back({from, target / from.filename()});
  return links;
}

std::vector<Link> LinksOf(const ModelInfo& base, const fs::path& folder, bool text_encoder) {
  const ModelPaths& paths = base.paths;
  const bool wan22 = base.vae && base.vae->version == VaeVersion::k22;
  std::vector<Link> links;
  const auto add = [&](const std::string& path, const fs::path& to, const std::string& name) {
    const std::vector<Link> more = LinksOf(path, to, name);
    links.insert(links.end(), more.begin(), more.end());
  };
  if (text_encoder) add(paths.text_encoder, folder, "models_t5_umt5-xxl-enc-bf16");
  add(paths.vae, folder, wan22 ? "Wan2.2_VAE" : "Wan2.1_VAE");
  add(paths.tokenizer, folder / "google" / "umt5-xxl", "spiece");
  return links;
}

void WriteDefaults(const GenerationDefaults& defaults, const fs::path& path) {
  nlohmann::ordered_json document{{"width", defaults.width},
                                  {"height", defaults.height},
                                  {"frames", defaults.frames},
                                  {"fps", defaults.fps},
                                  {"negative_prompt", defaults.negative_prompt}};
  document.update(SamplingJson(defaults.sampling));
  WriteAtomically(path.string(), DumpJson(document, 2) + "\n");
}

// The LoRAs that t3.json names were trained on the base's weights, and do not fit what training
// makes of them.
void LinkDefaults(const std::string& path, const fs::path& folder) {
  nlohmann::ordered_json document = ReadOrderedJson(path);
  if (document.erase(kLoraField) + document.erase(kRefinerLoraField) == 0)
    return LinkFile(path, folder / "t3.json");
  WriteAtomically((folder / "t3.json").string(), DumpJson(document, 2) + "\n");
}

}  // namespace

void LinkOtherParts(const ModelInfo& base, const std::string& folder, bool text_encoder) {
  for (const Link& link : LinksOf(base, folder, text_encoder)) LinkFile(link.from, link.to);
  if (base.paths.defaults.empty()) {
    WriteDefaults(base.defaults, fs::path(folder) / "t3.json");
  } else {
    LinkDefaults(base.paths.defaults, folder);
  }
}

int64_t CopiedBytes(const ModelInfo& base, const std::string& folder, bool text_encoder) {
  int64_t bytes = 0;
  for (const Link& link : LinksOf(base, folder, text_encoder)) {
    std::error_code error;
    const fs::path from = fs::canonical(link.from, error);
    if (fs::exists(link.to, error) || OnSameDisk(from, folder)) continue;
    const auto size = fs::file_size(from, error);
    if (!error) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

}  // namespace t3
