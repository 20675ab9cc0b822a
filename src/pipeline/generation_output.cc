// The end of a run: final latents to disk, then the video, then the latents are removed.
#include <filesystem>
#include <new>

#include "base/check.h"
#include "base/log.h"
#include "pipeline/device.h"
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
  const Request& request = item.request();
  const std::string& output = request.output.path;
  std::string saved;
  std::string why;
  if (KeepsState(request) && !request.checkpoint.drop_latents && !IsTensorFile(output)) {
    saved = SaveFinalLatents(item.planned->identity, latents, why);
    if (saved.empty()) spdlog::warn("the final latents could not be saved: {}", why);
  }
  if (!request.output.save_latents.empty()) {
    SaveTensors(request.output.save_latents, {{"latents", latents}}, item.planned->target.metadata);
  }
  if (IsTensorFile(output)) {
    SaveAsOutput(item, latents);
  } else {
    DecodeSafely(item, latents, saved);
  }
  if (!KeepsState(request)) return;
  RemoveRunState(output);
  std::error_code ignored;
  if (!saved.empty()) std::filesystem::remove(saved, ignored);
  if (item.planned->found) std::filesystem::remove(item.planned->found->file, ignored);
}

void Generation::SaveAsOutput(Item& item, const at::Tensor& latents) const {
  const std::string& output = item.request().output.path;
  try {
    SaveTensors(output, {{"latents", latents}}, item.planned->target.metadata);
  } catch (const Error& error) {
    std::string why;
    const std::string saved = SaveFinalLatents(item.planned->identity, latents, why);
    Fail("{}; {}", error.what(), HowToFinish(saved, output));
  }
}

void Generation::DecodeOutput(Item& item, const at::Tensor& latents) {
  if (!vae_) vae_ = LoadVae(model_, VaeHalf::kDecoder, settings_.dtype, context_);
  Stage stage(context_, "decoding", item.job().geometry.frames, "frames");
  DecodeToFile(*vae_, latents, item.planned->target, stage);
  stage.Finish(item.result.stages);
  if (!KeepsState(item.request())) return;
  for (const std::string& oddity : CheckVideo(item.result.output, item.job().geometry))
    item.result.notes.push_back(oddity);
}

// Whatever ends the decode, the error says where the latents are.
void Generation::DecodeSafely(Item& item, const at::Tensor& latents, const std::string& saved) {
  const std::string remedy = KeepsState(item.request())
                                 ? "; " + HowToFinish(saved, item.request().output.path)
                                 : std::string();
  const auto with_remedy = [&](const std::string& message, ErrorKind kind = ErrorKind::kFailed) {
    return Error(message + remedy, kind);
  };
  try {
    DecodeOutput(item, latents);
  } catch (const Error& error) {
    throw with_remedy(error.what(), error.kind());
  } catch (const c10::OutOfMemoryError&) {
    throw with_remedy("out of device memory while decoding");
  } catch (const std::bad_alloc&) {
    throw with_remedy("out of host memory while decoding");
  } catch (const c10::Error& error) {
    throw with_remedy(IsHostMemoryError(error) ? "out of host memory while decoding"
                                               : error.what_without_backtrace());
  } catch (const std::exception& error) {
    throw with_remedy(error.what());
  }
}

}  // namespace t3
