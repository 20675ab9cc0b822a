// Notes of the job, its draft, its LoRAs and its model.
#include "pipeline/job_notes.h"

#include <fmt/format.h>

#include "pipeline/refinement.h"
#include "pipeline/shipped_model.h"

namespace t3 {

namespace {

// Models lose the shapes of objects far below the size that they were trained at.
std::vector<std::string> SizeNotes(const ModelInfo& model, const Job& job) {
  constexpr int64_t kFarBelow = 3;  // times the pixels
  const GenerationDefaults& own = model.defaults;
  const VideoGeometry& video = job.geometry;
  if (!model.names_size || kFarBelow * video.width * video.height >= own.width * own.height)
    return {};
  return {
      fmt::format("{}x{} is far below {}x{}, the model's own size: objects may lose their shape",
                  video.width, video.height, own.width, own.height)};
}

}  // namespace

std::vector<std::string> JobNotes(const ModelInfo& model, const Job& job, const NotedDraft& draft) {
  std::vector<std::string> notes = job.notes;
  const auto add = [&](const std::vector<std::string>& more, const char* of = "") {
    for (const std::string& note : more) notes.push_back(of + note);
  };
  const ModelInfo& denoiser = DenoisedBy(model, job);
  if (draft.job != nullptr) {
    add(draft.job->notes, "draft: ");
    add(SizeNotes(*draft.model, *draft.job), "draft: ");
    if (draft.model == &model && &denoiser != &model)
      add(LoraNotes(model, draft.job->attention.pattern), "draft: ");
  }
  add(LoraNotes(denoiser, job.attention.pattern));
  add(ShippedModelNotes(model, job));
  add(SizeNotes(denoiser, job));
  return notes;
}

}  // namespace t3
