// The layouts of model folders, as data, and the search over them.
#include "loading/model_paths.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <span>

#include "base/check.h"
#include "base/log.h"
#include "base/read_text.h"
#include "base/text.h"
#include "runtime/shipped_files.h"
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

void CheckFile(const std::string& path, const char* option) {
  std::error_code ignored;
  T3_CHECK(path.empty() || fs::is_regular_file(path, ignored), "{} {}: {}", option, path,
           fs::exists(path, ignored) ? "it is not a file" : "there is no such file");
}

std::string FileIn(const fs::path& folder, const char* name) {
  std::error_code ignored;
  return fs::is_regular_file(folder / name, ignored) ? (folder / name).string() : "";
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

// The newest folder in `folder`; empty where there is none.
fs::path NewestFolder(const fs::path& folder) {
  std::error_code ignored;
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (!entry.is_directory(ignored)) continue;
    if (newest.empty() ||
        fs::last_write_time(entry, ignored) > fs::last_write_time(newest, ignored)) {
      newest = entry.path();
    }
  }
  return newest;
}

// "models--ORG--NAME" of a Hugging Face cache: the revision of refs/main, else the newest one.
fs::path Snapshot(const fs::path& folder) {
  const fs::path snapshots = folder / "snapshots";
  std::error_code ignored;
  if (fs::is_regular_file(folder / "refs" / "main", ignored)) {
    std::string revision = ReadText((folder / "refs" / "main").string());
    revision.erase(std::remove_if(revision.begin(), revision.end(), ::isspace), revision.end());
    const bool plain =
        !revision.empty() && revision.find('/') == std::string::npos && revision.front() != '.';
    if (plain && fs::is_directory(snapshots / revision, ignored)) return snapshots / revision;
  }
  const fs::path newest = NewestFolder(snapshots);
  T3_CHECK(!newest.empty(), "`model` {}: its snapshots folder is empty; download the model again",
           folder.string());
  return newest;
}

// The folder that `folder` stands for: a snapshot where it is of a Hugging Face cache.
fs::path ResolveCache(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder / "snapshots", ignored)) return Snapshot(folder);
  std::vector<std::string> models;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("models--") && fs::is_directory(entry.path() / "snapshots", ignored)) {
      models.push_back(name);
    }
  }
  if (models.empty()) return folder;
  std::sort(models.begin(), models.end());
  T3_CHECK(models.size() == 1, "`model` {} is a cache of several models; give one of them: {}",
           folder.string(), fmt::join(models, ", "));
  return Snapshot(folder / models.front());
}

void LocateFolder(ModelPaths* paths) {
  std::error_code ignored;
  T3_CHECK(fs::is_directory(paths->folder, ignored),
           "`model` {}: there is no such folder; give the folder of a checkpoint (official, "
           "diffusers or ComfyUI files), or 'demo'; docs/guides/models.md says where to get models",
           paths->folder);
  paths->folder = ResolveCache(paths->folder).string();
  if (paths->tokenizer.empty()) paths->tokenizer = FindTokenizer(paths->folder);
  paths->defaults = FileIn(paths->folder, "t3.json");
}

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

}  // namespace

const char* PartName(ModelPart part) {
  constexpr const char* kNames[] = {"denoiser", "text encoder", "VAE"};
  return kNames[static_cast<size_t>(part)];
}

const char* PartOption(ModelPart part) {
  constexpr const char* kNames[] = {"`dit`", "`text-encoder`", "`vae`"};
  return kNames[static_cast<size_t>(part)];
}

std::string& ModelPaths::Of(ModelPart part) {
  return part == ModelPart::kDit ? dit : part == ModelPart::kTextEncoder ? text_encoder : vae;
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

namespace {

// Once a process: a model is located several times.
void NoteFolderNamedDemo() {
  static const bool noted = [] {
    std::error_code ignored;
    const bool hidden =
        fs::is_directory("demo", ignored) && !fs::equivalent("demo", DemoModelFolder(), ignored);
    if (hidden)
      spdlog::warn("the model demo is the shipped one; the folder of that name here is ./demo");
    return hidden;
  }();
  static_cast<void>(noted);
}

// `model` demo, or a folder.
std::string FolderOf(const std::string& model) {
  if (model != "demo") return model;
  NoteFolderNamedDemo();
  return DemoModelFolder();
}

}  // namespace

ModelPaths LocateModel(const ModelFiles& files) {
  ModelPaths paths;
  paths.dit = files.dit;
  paths.text_encoder = files.text_encoder;
  paths.vae = files.vae;
  paths.decoder = files.decoder;
  paths.tokenizer = files.tokenizer;
  CheckFile(files.dit, "`dit`");
  CheckFile(files.text_encoder, "`text-encoder`");
  CheckFile(files.vae, "`vae`");
  CheckFile(files.decoder, "`decoder`");
  CheckFile(files.tokenizer, "`tokenizer`");
  paths.folder = FolderOf(files.model);
  std::error_code ignored;
  if (fs::is_regular_file(paths.folder, ignored)) {
    const fs::path file(paths.folder);
    paths.folder.clear();
    if (file.filename() == "model_index.json") {  // of a diffusers folder
      paths.folder = file.has_parent_path() ? file.parent_path().string() : ".";
    } else if (paths.dit.empty()) {
      paths.dit = file.string();
    }
  }
  paths.dit_from_folder = paths.dit.empty() && !paths.folder.empty();
  if (!paths.folder.empty()) LocateFolder(&paths);
  return paths;
}

std::string FindDitConfig(const ModelPaths& paths) {
  std::vector<fs::path> folders;
  if (!paths.dit.empty()) folders.push_back(fs::path(paths.dit).parent_path());
  if (!paths.folder.empty()) {
    folders.emplace_back(paths.folder);
    folders.push_back(fs::path(paths.folder) / "transformer");
  }
  for (const fs::path& folder : folders) {
    if (std::string config = FileIn(folder, "config.json"); !config.empty()) return config;
  }
  return "";
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
