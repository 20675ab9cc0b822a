// Notes of the job, its draft, its LoRAs and its model.
#include "pipeline/job_notes.h"

#include "pipeline/shipped_model.h"

namespace t3 {

std::vector<std::string> JobNotes(const ModelInfo& model, const Job& job, const Job* draft) {
  std::vector<std::string> notes = job.notes;
  const auto add = [&](std::vector<std::string> more) {
    for (std::string& note : more) notes.push_back(std::move(note));
  };
  if (draft != nullptr) {
    for (const std::string& note : draft->notes) notes.push_back("draft: " + note);
  }
  add(LoraNotes(model, job.attention.pattern));
  add(ShippedModelNotes(model, job));
  return notes;
}

}  // namespace t3
