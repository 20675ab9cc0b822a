// The layouts of model folders, as data, and the search over them.
#include "pipeline/model_paths.h"

#include <dlfcn.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <vector>

#include "base/check.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// Patterns relative to the model's folder, the most specific first.
constexpr const char* kDitFiles[] = {
    "diffusion_pytorch_model.safetensors.index.json",
    "diffusion_pytorch_model*.safetensors",
    "transformer/diffusion_pytorch_model.safetensors.index.json",
    "transformer/diffusion_pytorch_model*.safetensors",
    "T3-Video*.safetensors",
    "diffusion_models/*.safetensors",
    "*t2v*.safetensors",
    "*ti2v*.safetensors",
};
constexpr const char* kTextEncoderFiles[] = {
    "models_t5_*.pth",
    "models_t5_*.safetensors",
    "text_encoder/model.safetensors.index.json",
    "text_encoder/model*.safetensors",
    "text_encoders/*.safetensors",
    "umt5*.safetensors",
};
constexpr const char* kVaeFiles[] = {
    "Wan2.?_VAE.pth",    "Wan2.?_VAE.safetensors", "vae/diffusion_pytorch_model.safetensors",
    "vae/*.safetensors", "wan*vae*.safetensors",
};
constexpr const char* kTokenizerFiles[] = {
    "google/umt5-xxl/spiece.model",
    "tokenizer/spiece.model",
    "spiece.model",
};

// The first file under `folder` that one of `patterns` matches, the earlier pattern winning and
// then the earlier name; empty when none does. Patterns have at most one folder and wildcards in
// the file's name only.
std::string FindFirst(const fs::path& folder, std::span<const char* const> patterns) {
  for (const char* pattern : patterns) {
    const fs::path relative(pattern);
    const fs::path parent = folder / relative.parent_path();
    std::error_code ignored;
    std::vector<std::string> matches;
    for (const auto& entry : fs::directory_iterator(parent, ignored)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file(ignored) &&
          fnmatch(relative.filename().c_str(), name.c_str(), 0) == 0) {
        matches.push_back(entry.path().string());
      }
    }
    if (!matches.empty()) return *std::min_element(matches.begin(), matches.end());
  }
  return "";
}

void CheckFile(const std::string& path, const char* option) {
  std::error_code ignored;
  T3_CHECK(path.empty() || fs::is_regular_file(path, ignored), "{} {}: there is no such file",
           option, path);
}

std::string BesideIfThere(const std::string& file, const char* name) {
  const fs::path beside = fs::path(file).parent_path() / name;
  std::error_code ignored;
  return fs::is_regular_file(beside, ignored) ? beside.string() : "";
}

void SearchFolder(ModelPaths& paths) {
  const fs::path folder(paths.folder);
  std::error_code ignored;
  T3_CHECK(
      fs::is_directory(folder, ignored),
      "--model {}: there is no such folder; give the folder of a checkpoint (official, diffusers "
      "or ComfyUI files), or 'demo'",
      paths.folder);
  if (paths.dit.empty()) {
    paths.dit = FindFirst(folder, kDitFiles);
    paths.dit_from_folder = true;
  }
  if (paths.text_encoder.empty()) paths.text_encoder = FindFirst(folder, kTextEncoderFiles);
  if (paths.vae.empty()) paths.vae = FindFirst(folder, kVaeFiles);
  if (paths.tokenizer.empty()) paths.tokenizer = FindFirst(folder, kTokenizerFiles);
  paths.defaults = BesideIfThere((folder / "x").string(), "t3.json");
}

}  // namespace

ModelPaths FindModelFiles(const ModelFiles& files) {
  ModelPaths paths;
  paths.dit = files.dit;
  paths.text_encoder = files.text_encoder;
  paths.vae = files.vae;
  paths.tokenizer = files.tokenizer;
  CheckFile(files.dit, "--dit");
  CheckFile(files.text_encoder, "--text-encoder");
  CheckFile(files.vae, "--vae");
  CheckFile(files.tokenizer, "--tokenizer");
  for (const Lora& lora : files.loras) CheckFile(lora.path, "--lora");
  paths.folder = files.model == "demo" ? DemoModelFolder() : files.model;
  std::error_code ignored;
  if (fs::is_regular_file(paths.folder, ignored)) {  // --model FILE: the DiT alone
    if (paths.dit.empty()) paths.dit = paths.folder;
    paths.folder.clear();
  }
  if (!paths.folder.empty()) SearchFolder(paths);
  if (!paths.dit.empty()) paths.dit_config = BesideIfThere(paths.dit, "config.json");
  if (paths.dit_config.empty() && !paths.folder.empty()) {
    paths.dit_config = BesideIfThere((fs::path(paths.folder) / "x").string(), "config.json");
    if (paths.dit_config.empty()) {
      paths.dit_config =
          BesideIfThere((fs::path(paths.folder) / "transformer" / "x").string(), "config.json");
    }
  }
  return paths;
}

std::string ShippedPath(const std::string& name) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&ShippedPath), &info) == 0 ||
      info.dli_fname == nullptr) {
    return "";
  }
  std::error_code ignored;
  const fs::path library = fs::canonical(info.dli_fname, ignored).parent_path();
  for (const fs::path& folder : {library / "../share/t3video", library}) {
    if (fs::exists(folder / name, ignored)) return fs::canonical(folder / name, ignored).string();
  }
  return "";
}

std::string DemoModelFolder() {
  const std::string folder = ShippedPath("models/demo");
  T3_CHECK(!folder.empty(),
           "this installation has no shipped model; make a random one with `t3 init`, or give "
           "--model DIR");
  return folder;
}

}  // namespace t3
