// The end of a run: final latents to disk, then the video, then the latents are removed.
#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "base/failure.h"
#include "base/log.h"
#include "loading/tensor_file.h"
#include "pipeline/generation.h"
#include "pipeline/refinement.h"
#include "pipeline/state/state_places.h"
#include "pipeline/video_check.h"

namespace t3 {
namespace {

// How to make the video from latents that are in `saved`, "" where they are nowhere.
std::string HowToFinish(const RunIdentity& identity, const std::string& saved, bool dropped) {
  if (!saved.empty()) {
    return fmt::format("the latents are in {}; {} makes the video from them, or `t3 decode`", saved,
                       HowToResume(identity, saved));
  }
  if (HasState(identity.output)) {
    return fmt::format("{} continues from the last checkpoint",
                       HowToResume(identity, CheckpointBeside(identity.output)));
  }
  return dropped ? "the latents were not kept" : "the latents could not be saved";
}

}  // namespace

void Generation::WriteOutput(RunItem& item, const at::Tensor& latents) {
  const Request& request = item.request();
  const std::string& output = request.output.path;
  std::string saved;
  std::string why;
  if (KeepsState(request) && !request.checkpoint.drop_latents && !IsTensorFile(output)) {
    saved = SaveFinalLatents(item.planned->identity, latents, item.draft, why);
    if (saved.empty()) spdlog::warn("the final latents could not be saved: {}", why);
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

void Generation::SaveExtraLatents(const RunItem& item, const at::Tensor& latents) const {
  const std::string& path = item.request().output.save_latents;
  if (!path.empty()) SaveTensors(path, {{"latents", latents}}, item.planned->target.metadata);
}

void Generation::SaveAsOutput(RunItem& item, const at::Tensor& latents) const {
  try {
    SaveExtraLatents(item, latents);
    SaveTensors(item.request().output.path, {{"latents", latents}}, item.planned->target.metadata);
  } catch (...) {
    const Error error = CurrentError();
    std::string why;
    const std::string saved = SaveFinalLatents(item.planned->identity, latents, item.draft, why);
    Fail("{}; {}", error.what(), HowToFinish(item.planned->identity, saved, /*dropped=*/false));
  }
}

void Generation::DecodeOutput(RunItem& item, const at::Tensor& latents) {
  const VideoDecoder& decoder = networks_.Decoder();
  DecodeTarget target = item.planned->target;
  if (MatchesColors(item.job())) {
    OpenSource(item);
    target.colors = item.source;
  }
  Stage stage(scope_.context, "decoding", item.job().geometry.frames, "frames");
  std::vector<std::string>& notes = item.result.notes;
  for (std::string& note : DecodeToFile(decoder, latents, target, stage)) {
    if (std::ranges::find(notes, note) == notes.end()) notes.push_back(std::move(note));
  }
  stage.Finish(item.result.stages);
  if (!KeepsState(item.request())) return;
  for (const std::string& oddity : CheckVideo(item.result.output, item.job().geometry))
    notes.push_back(oddity);
}

// Whatever ends the decode, the error says where the latents are.
void Generation::DecodeSafely(RunItem& item, const at::Tensor& latents, const std::string& saved) {
  try {
    SaveExtraLatents(item, latents);
    DecodeOutput(item, latents);
  } catch (...) {
    const Error error = CurrentError();
    if (!KeepsState(item.request())) throw error;
    const bool dropped = item.request().checkpoint.drop_latents;
    throw Error(
        fmt::format("{}; {}", error.what(), HowToFinish(item.planned->identity, saved, dropped)),
        error.kind());
  }
}

}  // namespace t3
