// Compares where inputs and results lie.
#include "training/input_files.h"

#include <algorithm>
#include <filesystem>

#include "base/check.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// What every training writes in its output.
constexpr const char* kWrittenAlways[] = {"log.jsonl", "timing.json", "checkpoints", "samples",
                                          "best"};

// The place of `path` itself, and of the file that it links to.
std::vector<fs::path> PlacesOf(const fs::path& path) {
  std::error_code ignored;
  const fs::path whole = fs::absolute(path, ignored);
  return {fs::weakly_canonical(whole.parent_path(), ignored) / whole.filename(),
          fs::weakly_canonical(whole, ignored)};
}

bool IsIn(const fs::path& place, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), place.begin(), place.end()).first ==
         folder.end();
}

void CheckStays(const TrainConfig& config, const InputFile& input, const char* field,
                const fs::path& written) {
  for (const fs::path& target : PlacesOf(written)) {
    for (const fs::path& place : PlacesOf(input.path)) {
      T3_CHECK(!IsIn(place, target),
               "{}: \"{}\": the training would write {}, where it reads the {}, {}; set another "
               "\"{}\"",
               config.source, field, written.string(), input.part, input.path, field);
    }
  }
}

}  // namespace

std::vector<InputFile> InputsOf(const ModelInfo& model, const std::string& field) {
  const ModelPaths& paths = model.paths;
  std::vector<InputFile> inputs{{"denoiser", paths.dit, /*is_denoiser=*/true},
                                {"config.json", paths.dit_config},
                                {"text encoder", paths.text_encoder},
                                {"VAE", paths.vae},
                                {"decoder", paths.decoder},
                                {"tokenizer", paths.tokenizer},
                                {"t3.json", paths.defaults}};
  for (const Lora& lora : model.loras) inputs.push_back({"LoRA", lora.path});
  std::erase_if(inputs, [](const InputFile& input) { return input.path.empty(); });
  for (InputFile& input : inputs) input.part += fmt::format(" of \"{}\"", field);
  return inputs;
}

void CheckInputsStay(const TrainConfig& config, const std::vector<const char*>& written,
                     std::vector<InputFile> inputs) {
  std::error_code ignored;
  const fs::path output = config.output;
  for (const InputFile& input : inputs) {
    const fs::path folder = PlacesOf(input.path)[1].parent_path();
    T3_CHECK(!input.is_denoiser || folder != fs::weakly_canonical(output, ignored),
             "{}: \"output\" {} is the folder of the {}; set another one", config.source,
             config.output, input.part);
  }
  inputs.push_back({"configuration", config.source});
  for (const InputFile& input : inputs) {
    for (const char* name : kWrittenAlways) CheckStays(config, input, "output", output / name);
    for (const char* name : written) CheckStays(config, input, "output", output / name);
    if (!config.profile.empty()) CheckStays(config, input, "profile", config.profile);
  }
}

}  // namespace t3
