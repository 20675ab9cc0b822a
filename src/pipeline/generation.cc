// The stages of a run.
#include "pipeline/generation.h"

#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/failure.h"
#include "base/file_claims.h"
#include "base/log.h"
#include "base/temporary.h"
#include "pipeline/run_files.h"
#include "pipeline/state/checkpointer.h"
#include "pipeline/state/record.h"
#include "pipeline/state/start_mark.h"

namespace t3 {
namespace {

bool IsInterrupted(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return e.kind() == ErrorKind::kInterrupted;
  } catch (...) {
    return false;
  }
}

// The mark would replace a state that is discarded only once the new run denoises.
bool WantsMark(const PlannedJob& planned) {
  const Request& request = planned.job.request;
  return !planned.found && KeepsState(request) && !HasState(request.output.path);
}

// Errors about memory say what may help.
template <typename Work>
void ExplainingMemory(Work work) {
  try {
    work();
  } catch (const c10::OutOfMemoryError&) {
    Fail("{}; a smaller `size`, fewer `frames` or a larger `memory-limit` may help",
         CurrentError().what());
  } catch (const std::bad_alloc&) {
    Fail("{}; a smaller `size` or fewer `frames` may help", CurrentError().what());
  }
}

}  // namespace

Generation::Generation(const RunScope& scope, const nlohmann::ordered_json& weights,
                       KeptNetworks* kept)
    : scope_(scope), weights_(weights), networks_(scope_, kept) {}

RunItem Generation::Start(size_t index, const RunPlan& plan) const {
  RunItem item;
  item.index = index;
  item.planned = plan.job.get();
  item.result.output = plan.request.output.path;
  item.result.width = plan.video.width;
  item.result.height = plan.video.height;
  item.result.frames = plan.video.frames;
  item.result.notes = plan.notes;
  item.result.resumed_from = plan.resumed_from;
  item.result.skipped = plan.finished;
  if (item.planned->found) {
    item.saved = {item.planned->found->file, item.planned->found->progress.sampler.step};
    spdlog::info("resuming after step {} of {}, from {}", plan.resumed_from,
                 item.planned->identity.steps, item.planned->found->file);
  }
  return item;
}

at::Tensor Generation::MakeLatents(RunItem& item) {
  const PlannedJob& planned = *item.planned;
  const std::optional<FoundRun>& found = planned.found;
  if (found) item.draft = found->progress.draft;
  const bool finished = found && found->progress.sampler.step == planned.identity.steps;
  if (planned.draft && !item.draft.defined()) MakeDraft(item);
  if (!item.request().output.keep_draft.empty()) OpenSource(item);
  if (finished) return found->progress.sampler.latents;
  DenoisingPass pass{DenoisedBy(scope_.model, item.job()),
                     item.job(),
                     planned.memory,
                     planned.image,
                     "denoising",
                     DraftSteps(planned)};
  if (ResumedState(item, pass) == nullptr) pass.source = EncodeSource(item);
  return item.job().steps() == 0 ? pass.source : RunPass(item, pass);
}

at::Tensor Generation::RunPass(RunItem& item, const DenoisingPass& pass) {
  return PassRunner(scope_, networks_, prompts_).Run(item, pass);
}

// Whatever ends the work before the latents are there, the error says what is on disk.
at::Tensor Generation::MakeLatentsSafely(RunItem& item) {
  try {
    at::Tensor latents;
    ExplainingMemory([&] { latents = MakeLatents(item); });
    return latents;
  } catch (...) {
    if (item.saved.file.empty()) throw;
    const Error error = CurrentError();
    throw Error(fmt::format("{}; {}", error.what(), WhereSaved(item.planned->identity, item.saved)),
                error.kind());
  }
}

void Generation::FinishRecord(RunItem& item) const {
  const RecordOptions& record = item.request().record;
  if (!record.compare_with.empty()) {
    if (const auto equal = EqualsRecorded(record.compare_with, item.result.output))
      item.result.notes.push_back(*equal ? "the file has the same bytes as the recorded one"
                                         : "the file's bytes differ from the recorded one's");
  }
  if (record.path.empty()) return;
  WriteRecord(record.path, item.planned->identity, weights_, scope_.settings, item.result,
              item.started);
}

// Throws Error where another process makes the same output.
void Generation::Lock(RunItem& item) {
  if (!item.lock && KeepsState(item.request())) item.lock.emplace(item.request().output.path);
}

// Another process may have made an entry of the same job since it was planned.
bool Generation::IsFinishedMeanwhile(const RunItem& item) const {
  const RecordOptions& record = item.request().record;
  return record.skip_finished && IsFinished(record.path, item.planned->identity);
}

void Generation::GenerateOne(RunItem& item, bool last) {
  Lock(item);
  item.result.skipped = IsFinishedMeanwhile(item);
  if (item.result.skipped) return;
  const c10::NoGradGuard no_grad;
  const at::Tensor latents = MakeLatentsSafely(item);
  networks_.MakeRoomToDecode(item.planned->memory, last);
  WriteOutput(item, latents);
  FinishRecord(item);
}

// Leftovers of killed runs, for all at once: each folder is listed once.
void Generation::RemoveStale(const std::vector<RunItem>& items) {
  std::vector<std::string> paths;
  for (const RunItem& item : items) {
    const std::vector<std::string> written = WrittenPaths(item.request());
    paths.insert(paths.end(), written.begin(), written.end());
  }
  RemoveStaleTemporaries(paths);
}

// The plans that are to be run; the others are settled.
std::vector<RunItem> Generation::Accept(std::span<const RunPlan> plans,
                                        const SettleFn& settle) const {
  std::vector<RunItem> items;
  FileClaims files;
  ClaimModelFiles(scope_.model, files);
  for (size_t i = 0; i < plans.size(); ++i) {
    const RunPlan& plan = plans[i];
    try {
      if (plan.refusal) throw *plan.refusal;
      RunItem item = Start(i, plan);
      if (plan.finished) {
        settle(i, {item.result, nullptr});
        continue;
      }
      ClaimRunFiles(item.request(), files);
      if (plans.size() == 1) Lock(item);  // of many, each when its turn comes
      items.push_back(std::move(item));
    } catch (...) {
      settle(i, {{}, std::current_exception()});
    }
  }
  return items;
}

std::vector<Outcome> Generation::Run(std::span<const RunPlan> plans,
                                     const Engine::FinishedFn& finished) {
  std::vector<Outcome> outcomes(plans.size());
  const auto settle = [&](size_t index, Outcome outcome) {
    outcomes[index] = std::move(outcome);
    const std::exception_ptr& error = outcomes[index].error;
    if (error && IsInterrupted(error)) std::rethrow_exception(error);
    if (finished) finished(index, outcomes[index]);
  };
  std::vector<RunItem> items = Accept(plans, settle);
  RemoveStale(items);
  const bool marks = plans.size() == 1 && items.size() == 1 && WantsMark(*items.front().planned);
  const StartMark mark(marks ? &items.front().planned->identity : nullptr);
  if (!items.empty()) networks_.TakeKept(items.front().planned->memory);
  ExplainingMemory([&] { prompts_.Encode(scope_, items); });
  for (RunItem& item : items) {
    Outcome outcome;
    if (&item != &items.front()) item.started = {};  // the first one's time is the texts' too
    try {
      ExplainingMemory([&] { GenerateOne(item, &item == &items.back()); });
      outcome.result = item.result;
    } catch (...) {
      outcome.error = std::current_exception();
    }
    item.lock.reset();
    settle(item.index, std::move(outcome));
  }
  if (!items.empty()) networks_.Keep(items.back().planned->memory);
  return outcomes;
}

}  // namespace t3
