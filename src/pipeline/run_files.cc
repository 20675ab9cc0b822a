// One file for two purposes is refused before either is touched.
#include "pipeline/run_files.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/extension.h"
#include "pipeline/state/state_places.h"

namespace t3 {
namespace {

// `t3 resume` reads a state that this run replaces: beside its own output.
bool IsOwnState(const Request& request) {
  const std::string& state = request.checkpoint.resume_from;
  const std::string& output = request.output.path;
  std::error_code ignored;
  const auto is = [&](const std::string& path) {
    return std::filesystem::weakly_canonical(state, ignored) ==
           std::filesystem::weakly_canonical(path, ignored);
  };
  return is(CheckpointBeside(output)) || is(LatentsBeside(output));
}

void CheckInput(const std::string& what, const std::string& path) {
  std::error_code ignored;
  if (path.empty() || std::filesystem::is_regular_file(path, ignored)) return;
  const bool relative = std::filesystem::path(path).is_relative();
  Fail("{} {}: {}{}", what, path,
       std::filesystem::exists(path, ignored) ? "it is not a file" : "no such file",
       relative ? " in " + std::filesystem::current_path(ignored).string() : "");
}

}  // namespace

void ClaimModelFiles(const ModelInfo& model, FileClaims& claims) {
  claims.Read("the denoiser", model.paths.dit);
  claims.Read("the text encoder", model.paths.text_encoder);
  claims.Read("the VAE", model.paths.vae);
  claims.Read("the decoder", model.paths.decoder);
  claims.Read("the tokenizer", model.paths.tokenizer);
  for (const Lora& lora : model.loras) claims.Read("the LoRA", lora.path);
  for (const Lora& lora : RefinerOf(model).loras) claims.Read("the LoRA", lora.path);
}

void ClaimRunFiles(const Request& request, FileClaims& claims) {
  for (const auto& [what, input] :
       {std::pair("the image", request.image.path), std::pair("the source video", request.video),
        std::pair("the draft's denoiser", request.draft_dit),
        std::pair("the text embeddings", request.text_embeds),
        std::pair("the noise", request.noise),
        std::pair("the preview's decoder", request.preview.decoder)}) {
    CheckInput(what, input);
    claims.Read(what, input);
  }
  if (!IsOwnState(request)) claims.Read("the state", request.checkpoint.resume_from);
  const std::string& output = request.output.path;
  ClaimOutput(output, claims);
  CheckExtension("`save-latents`", request.output.save_latents, ".safetensors");
  CheckExtension("`record`", request.record.path, ".json");
  CheckExtension("`preview`", request.preview.path, ".png");
  claims.Write("`save-latents`", request.output.save_latents);
  claims.Write("`keep-draft`", request.output.keep_draft);
  claims.Write("`record`", request.record.path);
  claims.Write("`preview`", request.preview.path);
  if (output.empty()) return;
  claims.Write("the checkpoint", CheckpointBeside(output));
  claims.Write("the final latents", LatentsBeside(output));
}

void ClaimOutput(const std::string& output, FileClaims& claims) {
  std::error_code ignored;
  if (output.ends_with('/') || std::filesystem::is_directory(output, ignored)) {
    claims.WriteFolder("`output`", output);
  } else {
    claims.Write("`output`", output);
  }
}

std::vector<std::string> WrittenPaths(const Request& request) {
  const std::string& output = request.output.path;
  std::vector<std::string> paths{request.output.save_latents, request.output.keep_draft,
                                 request.record.path, request.preview.path};
  if (!output.empty())
    paths.insert(paths.end(), {output, CheckpointBeside(output), LatentsBeside(output)});
  std::erase_if(paths, [](const std::string& path) { return path.empty(); });
  return paths;
}

}  // namespace t3
