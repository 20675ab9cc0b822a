// The layouts of model folders, as data, and the search over them.
#include "loading/model_layouts.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <span>

#include "base/check.h"
#include "base/text.h"
#include "weights/shard_index.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// One step of a search: files of `folder`, and below it where `deep`, whose names match one of
// `names`. Letters match in either case where `deep` or where a name begins with '*'.
struct Group {
  const char* folder;
  bool deep;
  std::vector<const char*> names;
};

const std::vector<const char*> kWeights{"*.safetensors", "*.index.json", "*.pth", "*.pt",
                                        "*.bin",         "*.ckpt",       "*.gguf"};

// The most specific first: official names, diffusers' folders, ComfyUI's folders, then any file by
// its name.
const std::vector<Group>& GroupsOf(ModelPart part) {
  static const std::vector<Group> dit{
      {"", false, {"diffusion_pytorch_model.safetensors.index.json"}},
      {"", false, {"diffusion_pytorch_model.safetensors"}},
      {"", false, {"diffusion_pytorch_model*.safetensors"}},
      {"transformer", false, {"diffusion_pytorch_model.safetensors.index.json"}},
      {"transformer", false, {"diffusion_pytorch_model.safetensors"}},
      {"transformer", false, {"diffusion_pytorch_model*.safetensors"}},
      {"", false, {"T3-Video*.safetensors"}},
      {"diffusion_models", true, kWeights},
      {"unet", true, kWeights},
      {"transformer", true, kWeights},
      {"", false, {"*t2v*", "*ti2v*"}},
      {"", false, {"*wan*", "*dit*", "*denoiser*", "*generator*", "*model*"}},
      {"checkpoints", true, kWeights},
      {"", false, kWeights}};
  static const std::vector<Group> text{{"", false, {"models_t5_*.pth"}},
                                       {"", false, {"models_t5_*.safetensors"}},
                                       {"text_encoder", false, {"model.safetensors.index.json"}},
                                       {"text_encoder", false, {"model.safetensors"}},
                                       {"text_encoder", false, {"model*.safetensors"}},
                                       {"text_encoders", true, kWeights},
                                       {"text_encoder", true, kWeights},
                                       {"clip", true, kWeights},
                                       {"", false, {"*t5*"}},
                                       {"", false, {"*text*enc*"}}};
  static const std::vector<Group> vae{{"", false, {"Wan2.?_VAE.pth"}},
                                      {"", false, {"Wan2.?_VAE.safetensors"}},
                                      {"vae", false, {"diffusion_pytorch_model.safetensors"}},
                                      {"vae", true, kWeights},
                                      {"", false, {"*vae*"}}};
  return part == ModelPart::kDit ? dit : part == ModelPart::kTextEncoder ? text : vae;
}

constexpr std::array<const char*, 3> kTokenizerFiles{"google/umt5-xxl/spiece.model",
                                                     "tokenizer/spiece.model", "spiece.model"};

std::string LookedFor(ModelPart part) {
  switch (part) {
    case ModelPart::kDit:
      return "diffusion_pytorch_model*.safetensors there or in transformer/, weight files in "
             "diffusion_models/, unet/, checkpoints/ (also of models/) or there";
    case ModelPart::kTextEncoder:
      return "models_t5_*.pth, weight files in text_encoder/, text_encoders/, clip/ (also of "
             "models/), *t5* there";
    case ModelPart::kVae:
      return "Wan2.?_VAE.pth, weight files in vae/ (also of models/), *vae* there";
  }
  return "";
}

constexpr int kDepth = 3;             // of folders below a part's own
constexpr size_t kMaxFiles = 10'000;  // that are looked at in one folder

bool Matches(const char* pattern, const std::string& name) {
  const int fold = pattern[0] == '*' ? FNM_CASEFOLD : 0;
  return fnmatch(pattern, name.c_str(), fold) == 0;
}

bool MatchesAny(std::span<const char* const> patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const char* pattern) { return Matches(pattern, name); });
}

// Files (links to files, too, broken ones only where asked for) in `folder` and, to `depth` levels,
// below it. Folders that cannot be read count as empty.
void ListFiles(const fs::path& folder, int depth, bool broken_links, std::vector<fs::path>* files) {
  std::error_code ignored;
  for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
    if (files->size() >= kMaxFiles) return;
    if (at->path().filename().string().starts_with('.')) continue;
    if (at->is_directory(ignored)) {
      if (depth > 0) ListFiles(at->path(), depth - 1, broken_links, files);
    } else if (at->is_regular_file(ignored) || (broken_links && at->is_symlink(ignored))) {
      files->push_back(at->path());
    }
  }
}

// Names of other parts in the folder itself, where names are all there is to go by.
bool IsOfAnotherPart(ModelPart part, const std::string& name) {
  static const std::vector<const char*> others{"*vae*", "*t5*", "*clip*", "*lora*", "*preview*"};
  return part == ModelPart::kDit && MatchesAny(others, name);
}

std::vector<std::string> Match(const fs::path& base, const Group& group, ModelPart part) {
  std::vector<fs::path> files;
  ListFiles(*group.folder == '\0' ? base : base / group.folder, group.deep ? kDepth : 0, false,
            &files);
  std::vector<std::string> found;
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    const bool weights = MatchesAny(kWeights, name);
    const bool other =
        *group.folder == '\0' && group.names.front()[0] == '*' && IsOfAnotherPart(part, name);
    if (weights && !other && MatchesAny(group.names, name)) found.push_back(file.string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// True where another file of the folder stands for this one: the index of its shards, or the first
// shard that is there.
bool IsLaterShard(const fs::path& file) {
  const std::vector<std::string> shards = ShardNames(file.filename().string());
  if (shards.size() < 2) return false;
  const std::string& first = shards.front();  // STEM-00001-of-00002.EXTENSION
  const std::string stem = first.substr(0, first.rfind('-', first.rfind("-of-") - 1));
  std::error_code ignored;
  for (const char* end : {".safetensors.index.json", ".bin.index.json"}) {
    if (fs::exists(file.parent_path() / (stem + end), ignored)) return true;
  }
  for (const std::string& shard : shards) {
    if (fs::exists(file.parent_path() / shard, ignored)) return shard != file.filename();
  }
  return false;
}

// Folders that may hold a model's files: the one given, what ComfyUI has below its own, and beside
// a folder of denoisers the others.
std::vector<fs::path> Bases(const fs::path& folder) {
  std::vector<fs::path> bases{folder, folder / "models", folder / "ComfyUI" / "models"};
  const fs::path whole = fs::absolute(folder).lexically_normal();
  const fs::path own = whole.has_filename() ? whole : whole.parent_path();
  for (const char* name : {"diffusion_models", "unet", "checkpoints"}) {
    if (own.filename() == name) bases.push_back(own.parent_path());
  }
  return bases;
}

}  // namespace

std::string FileIn(const fs::path& folder, const char* name) {
  std::error_code ignored;
  return fs::is_regular_file(folder / name, ignored) ? (folder / name).string() : "";
}

std::vector<std::vector<std::string>> FindCandidates(const std::string& folder, ModelPart part) {
  std::vector<std::vector<std::string>> groups;
  std::set<std::string> seen;
  for (const fs::path& base : Bases(folder)) {
    for (const Group& group : GroupsOf(part)) {
      std::vector<std::string> found;
      for (std::string& file : Match(base, group, part)) {
        if (seen.insert(file).second && !IsLaterShard(file)) found.push_back(std::move(file));
      }
      if (!found.empty()) groups.push_back(std::move(found));
    }
  }
  return groups;
}

std::string FindTokenizer(const std::string& folder) {
  for (const fs::path& base : Bases(folder)) {
    for (const char* file : kTokenizerFiles) {
      if (std::string found = FileIn(base, file); !found.empty()) return found;
    }
  }
  std::vector<fs::path> files;
  for (const fs::path& base : Bases(folder)) ListFiles(base, kDepth, false, &files);
  const auto found = std::find_if(files.begin(), files.end(), [](const fs::path& file) {
    return file.filename() == "spiece.model";
  });
  return found == files.end() ? "" : found->string();
}

std::string DescribeFolder(const std::string& folder) {
  constexpr size_t kShown = 12;
  std::vector<fs::path> files;
  ListFiles(folder, kDepth, true, &files);
  if (files.empty()) return "no files";
  std::sort(files.begin(), files.end());
  std::vector<std::string> names;
  std::error_code ignored;
  for (size_t i = 0; i < std::min(kShown, files.size()); ++i) {
    names.push_back(Printable(files[i].lexically_relative(folder).string()));
    if (!fs::exists(files[i], ignored)) names.back() += " (a broken link)";
  }
  std::string text = fmt::format("{}", fmt::join(names, ", "));
  if (files.size() > kShown) text += fmt::format(" and {} more", files.size() - kShown);
  return text;
}

std::string DescribeSearch(const std::string& folder, ModelPart part) {
  if (folder.empty()) return fmt::format("no folder was given; give {} FILE", PartOption(part));
  return fmt::format("looked in {} for {}; it holds {}", folder, LookedFor(part),
                     DescribeFolder(folder));
}

}  // namespace t3
