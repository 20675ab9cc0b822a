// Notes of the job, its draft, its LoRAs and its model.
#include "pipeline/job_notes.h"

#include "pipeline/refinement.h"
#include "pipeline/shipped_model.h"

namespace t3 {

std::vector<std::string> JobNotes(const ModelInfo& model, const Job& job, const NotedDraft& draft) {
  std::vector<std::string> notes = job.notes;
  const auto add = [&](const std::vector<std::string>& more, const char* of = "") {
    for (const std::string& note : more) notes.push_back(of + note);
  };
  const ModelInfo& denoiser = DenoisedBy(model, job);
  if (draft.job != nullptr) {
    add(draft.job->notes, "draft: ");
    if (draft.model == &model && &denoiser != &model)
      add(LoraNotes(model, draft.job->attention.pattern), "draft: ");
  }
  add(LoraNotes(denoiser, job.attention.pattern));
  add(ShippedModelNotes(model, job));
  return notes;
}

}  // namespace t3
