// Named files, and the folder of a model's name.
#include "loading/model_paths.h"

#include <filesystem>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "loading/hugging_face_cache.h"
#include "loading/model_layouts.h"
#include "runtime/shipped_files.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

void CheckFile(const std::string& path, const char* option) {
  std::error_code ignored;
  T3_CHECK(path.empty() || fs::is_regular_file(path, ignored), "{} {}: {}", option, path,
           fs::exists(path, ignored) ? "it is not a file" : "there is no such file");
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

// "demo", or a folder.
std::string FolderOf(const std::string& model) {
  if (model != "demo") return model;
  NoteFolderNamedDemo();
  return DemoModelFolder();
}

}  // namespace

std::string& ModelPaths::Of(ModelPart part) {
  return part == ModelPart::kDit ? dit : part == ModelPart::kTextEncoder ? text_encoder : vae;
}

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

}  // namespace t3
