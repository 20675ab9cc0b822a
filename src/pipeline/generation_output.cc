// The end of a run: final latents to disk, then the video, then away with the latents.
#include <filesystem>

#include "base/check.h"
#include "base/log.h"
#include "pipeline/generation.h"
#include "pipeline/load_models.h"
#include "pipeline/tensor_file.h"
#include "pipeline/video_check.h"

namespace t3 {
namespace {

// How to make the video from latents that are in `saved`, "" where they are nowhere.
std::string HowToFinish(const std::string& saved, const std::string& output) {
  if (saved.empty()) return "the latents could not be saved";
  const bool beside = saved == LatentsBeside(output);
  return fmt::format(
      "the latents are in {}; `t3 resume {}` makes the video from them, or `t3 decode`", saved,
      beside ? output : saved + " --output FILE");
}

}  // namespace

void Generation::WriteOutput(Item& item, const at::Tensor& latents) {
  const Request& request = item.job.request;
  std::string saved;
  std::string why;
  if (request.keep_latents && !IsTensorFile(request.output)) {
    saved = SaveFinalLatents(item.identity, latents, why);
    if (saved.empty()) spdlog::warn("the final latents could not be saved: {}", why);
  }
  if (!request.save_latents.empty())
    SaveTensors(request.save_latents, {{"latents", latents}}, item.target.metadata);
  if (IsTensorFile(request.output)) {
    SaveAsOutput(item, latents);
  } else {
    DecodeSafely(item, latents, saved);
  }
  RemoveRunState(request.output);
  std::error_code ignored;
  if (!saved.empty()) std::filesystem::remove(saved, ignored);
  if (item.found) std::filesystem::remove(item.found->file, ignored);
}

void Generation::SaveAsOutput(Item& item, const at::Tensor& latents) const {
  try {
    SaveTensors(item.job.request.output, {{"latents", latents}}, item.target.metadata);
  } catch (const Error& error) {
    std::string why;
    const std::string saved = SaveFinalLatents(item.identity, latents, why);
    Fail("{}; {}", error.what(), HowToFinish(saved, item.job.request.output));
  }
}

void Generation::DecodeSafely(Item& item, const at::Tensor& latents, const std::string& saved) {
  const std::string remedy = HowToFinish(saved, item.job.request.output);
  const auto add_remedy = [&](const Error& error) {
    return Error(fmt::format("{}; {}", error.what(), remedy), error.kind());
  };
  try {
    if (!vae_) vae_ = LoadVae(model_, VaeHalf::kDecoder, settings_.dtype, context_);
    Stage stage(context_, "decoding", item.job.geometry.frames, "frames");
    DecodeToFile(*vae_, latents, item.target, stage);
    stage.Finish(item.result.stages);
    for (const std::string& oddity : CheckVideo(item.target.output, item.job.geometry))
      item.result.notes.push_back(oddity);
  } catch (const Error& error) {
    throw add_remedy(error);
  } catch (const c10::OutOfMemoryError&) {
    throw add_remedy(Error("out of device memory while decoding"));
  }
}

}  // namespace t3
