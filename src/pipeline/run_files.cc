// One file for two things is refused before either is touched.
#include "pipeline/run_files.h"

#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "pipeline/run_state.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

struct RunFile {
  std::string what;  // for messages
  std::string path;
};

std::vector<RunFile> InputFiles(const ModelInfo& model, const Request& request) {
  std::vector<RunFile> files{{"the image", request.image.path},
                             {"the text embeddings", request.text_embeds},
                             {"the noise", request.noise},
                             {"the denoiser", model.paths.dit},
                             {"the text encoder", model.paths.text_encoder},
                             {"the VAE", model.paths.vae},
                             {"the tokenizer", model.paths.tokenizer}};
  for (const Lora& lora : model.loras) files.push_back({"a LoRA", lora.path});
  std::erase_if(files, [](const RunFile& file) { return file.path.empty(); });
  return files;
}

std::vector<RunFile> OutputFiles(const Request& request) {
  const std::string& output = request.output.path;
  std::vector<RunFile> files{{"`output`", output},
                             {"`save-latents`", request.output.save_latents},
                             {"`record`", request.record.path},
                             {"`preview`", request.preview.path}};
  if (!output.empty()) {
    files.push_back({"the checkpoint", CheckpointBeside(output)});
    files.push_back({"the final latents", LatentsBeside(output)});
  }
  std::erase_if(files, [](const RunFile& file) { return file.path.empty(); });
  return files;
}

bool SameFile(const std::string& a, const std::string& b) {
  std::error_code ignored;
  if (fs::equivalent(a, b, ignored)) return true;
  return fs::weakly_canonical(a, ignored) == fs::weakly_canonical(b, ignored);
}

}  // namespace

void CheckRunFiles(const ModelInfo& model, const Request& request) {
  const std::vector<RunFile> inputs = InputFiles(model, request);
  const std::vector<RunFile> outputs = OutputFiles(request);
  for (const std::string& input : {request.image.path, request.text_embeds, request.noise}) {
    std::error_code ignored;
    T3_CHECK(input.empty() || fs::is_regular_file(input, ignored), "{}: no such file", input);
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    for (const RunFile& input : inputs) {
      if (SameFile(outputs[i].path, input.path)) {
        FailUsage("{} {} would be written over {}; name another file", outputs[i].what,
                  outputs[i].path, input.what);
      }
    }
    for (size_t j = i + 1; j < outputs.size(); ++j) {
      if (SameFile(outputs[i].path, outputs[j].path)) {
        FailUsage("{} and {} are the same file {}; name another one", outputs[i].what,
                  outputs[j].what, outputs[i].path);
      }
    }
  }
}

}  // namespace t3
