// Links a model's parts.
#include "training/dit/model_folder.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/atomic_file.h"
#include "base/check.h"
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

// A part in one file, or in shards named by its index, which stay beside it.
void LinkPart(const std::string& path, const fs::path& folder, const std::string& name) {
  if (path.empty()) return;
  const fs::path from(path);
  if (!path.ends_with(".index.json")) {
    LinkFile(from, folder / (name + from.extension().string()));
    return;
  }
  const MappedFile file(path);
  std::set<std::string> shards;
  const nlohmann::json index = ParseJson(file.bytes(), path);
  for (const auto& [tensor, shard] : index.at("weight_map").items()) shards.insert(shard);
  const fs::path target = folder / from.parent_path().filename();
  for (const std::string& shard : shards) LinkFile(from.parent_path() / shard, target / shard);
  LinkFile(from, target / from.filename());
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
    return LinkPart(path, folder, "t3");
  WriteAtomically((folder / "t3.json").string(), DumpJson(document, 2) + "\n");
}

}  // namespace

void LinkOtherParts(const ModelInfo& base, const std::string& folder, bool text_encoder) {
  const ModelPaths& paths = base.paths;
  if (text_encoder) LinkPart(paths.text_encoder, folder, "models_t5_umt5-xxl-enc-bf16");
  const bool wan22 = base.vae && base.vae->version == VaeVersion::k22;
  LinkPart(paths.vae, folder, wan22 ? "Wan2.2_VAE" : "Wan2.1_VAE");
  LinkPart(paths.tokenizer, fs::path(folder) / "google" / "umt5-xxl", "spiece");
  if (paths.defaults.empty()) {
    WriteDefaults(base.defaults, fs::path(folder) / "t3.json");
  } else {
    LinkDefaults(paths.defaults, folder);
  }
}

void CheckNotItsBase(const ModelInfo& base, const std::string& folder) {
  std::error_code ignored;
  const fs::path target = fs::weakly_canonical(folder, ignored);
  T3_CHECK(fs::weakly_canonical(fs::path(base.paths.dit).parent_path(), ignored) != target,
           "\"output\" {} is the folder of the base model; set another one", folder);
}

}  // namespace t3
