// The stages of a run.
#include "pipeline/generation.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/failure.h"
#include "base/file_claims.h"
#include "base/log.h"
#include "base/temporary.h"
#include "loading/load_models.h"
#include "pipeline/ranks/follower.h"
#include "pipeline/run_files.h"
#include "pipeline/state/checkpointer.h"
#include "pipeline/state/record.h"
#include "pipeline/text_stage.h"
#include "runtime/device.h"
#include "sampling/noise.h"

namespace t3 {
namespace {

constexpr int64_t kPreviewEvery = 5;  // steps

bool IsInterrupted(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return e.kind() == ErrorKind::kInterrupted;
  } catch (...) {
    return false;
  }
}

// Pixels (H,W,3) of 0..255 -> (3,1,H,W) in [-1,1].
at::Tensor ImageTensor(const Image& image) {
  const at::Tensor bytes = at::from_blob(const_cast<uint8_t*>(image.rgb.data()),
                                         {image.height, image.width, 3}, at::kByte);
  return bytes.permute({2, 0, 1}).to(at::kFloat).mul(2.0 / 255.0).sub(1).unsqueeze(1).contiguous();
}

// The mark that a run has begun lies beside its output until there is a state worth keeping, or
// nothing left to do: a run that fails before its first checkpoint leaves nothing.
class StartMark {
 public:
  // nullptr: no mark is wanted.
  explicit StartMark(const RunIdentity* identity) : identity_(identity) {
    if (identity_ == nullptr) return;
    try {
      SaveStart(*identity_);
    } catch (...) {
      spdlog::warn("the start of the run could not be recorded: {}", CurrentError().what());
    }
  }
  ~StartMark() {
    if (identity_ != nullptr) RemoveStart(*identity_);
  }
  StartMark(const StartMark&) = delete;
  StartMark& operator=(const StartMark&) = delete;

 private:
  const RunIdentity* identity_;
};

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

Generation::Generation(const ModelInfo& model, const RunSettings& settings,
                       const nlohmann::ordered_json& weights, const RunContext& context, Team* team,
                       KeptNetworks* kept)
    : model_(model),
      settings_(settings),
      weights_(weights),
      context_(context),
      team_(team),
      kept_(kept) {}

Generation::Item Generation::Start(size_t index, const RunPlan& plan) const {
  Item item;
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

void Generation::EncodePrompts(std::vector<Item>& items) {
  std::vector<std::string> texts;
  for (const Item& item : items) {
    if (HasText(item)) continue;
    texts.push_back(item.request().prompt);
    if (NeedsNegative(*item.planned)) texts.push_back(item.job().negative_prompt);
  }
  if (texts.empty()) return;
  spool_.emplace(SpoolFolder(items.front().request().output.path));
  std::vector<Result::Stage> stages;
  EncodeTexts(
      model_, texts, settings_.dtype, context_, stages,
      [&](const std::string& text, const EncodedText& encoded) { spool_->Add(text, encoded); });
  for (Item& item : items) {
    if (!HasText(item))
      item.result.stages.insert(item.result.stages.end(), stages.begin(), stages.end());
  }
}

// A run without steps needs none.
bool Generation::HasText(const Item& item) {
  return item.planned->embeds.prompt.embeds.defined() || item.planned->identity.steps == 0;
}

PromptEmbeds Generation::EmbedsOf(const Item& item) const {
  if (HasText(item)) return item.planned->embeds;
  PromptEmbeds embeds{spool_->Read(item.request().prompt), {}};
  if (NeedsNegative(*item.planned)) embeds.negative = spool_->Read(item.job().negative_prompt);
  return embeds;
}

// The state of an earlier run where it lies within this pass.
const SamplerState* Generation::Resumed(const Item& item, const Pass& pass) const {
  const std::optional<FoundRun>& found = item.planned->found;
  if (!found) return nullptr;
  const SamplerState& state = found->progress.sampler;
  const int64_t done = state.step - pass.first_step;
  // A state at the very end of the draft has the draft's latents.
  const bool begun = pass.first_step == 0 ? done >= 0 : done > 0;
  return begun && done <= pass.job.steps() ? &state : nullptr;
}

at::Tensor Generation::EncodeImage(Item& item, const Pass& pass) const {
  if (!pass.image) return {};
  if (Resumed(item, pass) != nullptr) return item.planned->found->progress.first_frame;
  const c10::NoGradGuard no_grad;
  const Grid& latent = pass.job.geometry.latent;
  const Vae vae = LoadVae(model_, VaeHalf::kEncoder, at::kFloat, context_);
  Stage stage(context_, "encoding image", 1);
  const at::Tensor picture = ImageTensor(*pass.image);
  const EncodePlan plan = PlanEncode(vae.config(), {1, latent.h, latent.w}, vae.element_bytes(),
                                     DecodeBudget(context_));
  const at::Tensor latents = vae.EncodeFrom(
      plan, [&](int64_t, int64_t) { return picture; }, [&] { context_.CheckCancelled(); });
  stage.Finish(item.result.stages);
  return latents;
}

at::Tensor Generation::Noise(const Item& item, const Pass& pass) const {
  if (pass.last && item.planned->noise.defined()) return item.planned->noise;
  std::vector<int64_t> shape = LatentShape(model_, pass.job);
  shape.insert(shape.begin(), 1);
  return TorchNoise(item.request().seed.value_or(0), shape).squeeze(0);
}

// Whether `model` is the run's, for generating or for refining, and not that of a draft's denoiser.
bool Generation::IsOwn(const ModelInfo* model) const {
  return model == &model_ || model == model_.refiner.get();
}

void Generation::LoadDenoiser(const Pass& pass) {
  const ModelInfo& model = pass.model;
  const BlockWeights wanted = pass.memory.Blocks();
  const bool bf16 = ExcludedSteps(pass.job, settings_.dtype) > 0;
  if (dit_ && (block_weights_ != wanted || dit_model_ != &model || dit_bf16_ != bf16))
    DropDenoiser();
  if (!dit_) {
    OrderDenoiser(team_,
                  {.draft_dit = IsOwn(&model) ? "" : model.paths.dit,
                   .refiner = &model == model_.refiner.get(),
                   .stream = wanted == BlockWeights::kOnHost,
                   .scratch_bytes = pass.memory.denoiser_scratch,
                   .also_bf16 = bf16},
                  [&] { dit_ = LoadDit(model, settings_.dtype, wanted, context_, bf16); });
  }
  dit_model_ = &model;
  dit_bf16_ = bf16;
  block_weights_ = wanted;
  ReleaseCachedMemory(settings_.device);  // of loading
  dit_->set_scratch_bytes(pass.memory.denoiser_scratch);
}

void Generation::DropDenoiser() {
  if (!dit_) return;
  dit_.reset();
  OrderNoDenoiser(team_);
}

at::Tensor Generation::MakeLatents(Item& item) {
  const PlannedJob& planned = *item.planned;
  const std::optional<FoundRun>& found = planned.found;
  if (found) item.draft = found->progress.draft;
  const bool finished = found && found->progress.sampler.step == planned.identity.steps;
  if (planned.draft && !item.draft.defined()) MakeDraft(item);
  if (!item.request().output.keep_draft.empty()) OpenSource(item);
  if (finished) return found->progress.sampler.latents;
  Pass pass{DenoisedBy(model_, item.job()),
            item.job(),
            planned.memory,
            planned.image,
            "denoising",
            DraftSteps(planned)};
  if (Resumed(item, pass) == nullptr) pass.source = EncodeSource(item);
  return item.job().steps() == 0 ? pass.source : RunPass(item, pass);
}

// Whatever ends the work before the latents are there, the error says what is on disk.
at::Tensor Generation::MakeLatentsSafely(Item& item) {
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

at::Tensor Generation::RunPass(Item& item, const Pass& pass) {
  const SamplerState* from = Resumed(item, pass);
  if (from != nullptr && from->step == pass.first_step + pass.job.steps()) return from->latents;
  const at::Tensor first_frame = EncodeImage(item, pass);
  ReleaseCachedMemory(settings_.device);
  LoadDenoiser(pass);
  return RunSteps(item, pass, first_frame);
}

// The run's state before the first step of the pass that is left.
SamplerState Generation::StateBefore(const Item& item, const Pass& pass) const {
  if (const SamplerState* from = Resumed(item, pass)) return *from;
  SamplerState state;
  state.step = pass.first_step;
  return state;
}

DenoiseInput Generation::InputOf(const Item& item, const Pass& pass,
                                 const RunProgress& progress) const {
  const Job& job = pass.job;
  DenoiseInput input;
  input.sampling = job.sampling;
  input.first_frame = progress.first_frame;
  input.prompt = progress.embeds.prompt.embeds;
  input.negative = progress.embeds.negative.embeds;
  input.seed = item.request().seed.value_or(0);
  input.segments = job.segments;
  input.excluded_steps = ExcludedSteps(job, settings_.dtype);
  if (Resumed(item, pass) != nullptr) {
    input.from = progress.sampler;
    input.from->step -= pass.first_step;
  } else {
    input.noise = Noise(item, pass);
    input.source = pass.source;
  }
  return input;
}

std::optional<Preview> Generation::OpenPreview(const Item& item) const {
  const PreviewOptions& options = item.request().preview;
  if (options.path.empty()) return std::nullopt;
  return Preview(options.path, options.every.value_or(kPreviewEvery), item.planned->identity.steps,
                 LoadPreviewPainter(model_, item.job(), settings_.dtype, context_));
}

// By all ranks; the result is on the host.
at::Tensor Generation::Steps(const Pass& pass, DenoiseInput input, Stage& stage,
                             const StepFn& after_step) {
  const JobAttention& attention = pass.job.attention;
  const Grid& grid = pass.job.segment.grid;
  const DitConfig& dit = pass.model.dit;
  const AttentionLayout layout = AttentionLayout::Make(
      attention.pattern, attention.windows, grid, dit.num_layers, dit.head_dim(), settings_.device);
  input.ranks = OrderDenoise(team_, {attention.pattern,
                                     attention.windows,
                                     grid,
                                     {input.sampling.guidance, input.prompt, input.negative},
                                     pass.memory.split});
  return Denoise(*dit_, layout, input, settings_.device, stage, after_step).cpu();
}

at::Tensor Generation::RunSteps(Item& item, const Pass& pass, const at::Tensor& first_frame) {
  const Request& request = item.request();
  const RunProgress progress{StateBefore(item, pass), EmbedsOf(item), first_frame, item.draft};
  DenoiseInput input = InputOf(item, pass, progress);
  const std::optional<Preview> preview = OpenPreview(item);
  const std::optional<int64_t> every = KeepsState(request) ? request.checkpoint.every : 0;
  Checkpointer checkpointer(item.planned->identity, every, progress, item.saved);
  // Not earlier: a request that is refused must not cost what a run before it left.
  if (KeepsState(request) && request.checkpoint.existing_state == ExistingState::kDiscard &&
      pass.first_step == 0) {
    RemoveRunState(request.output.path);
  }
  Stage stage(context_, pass.name, pass.job.steps(), "steps");
  const auto after_step = [&](const StepReport& report) {
    SamplerState state = report.state;
    state.step += pass.first_step;
    if (preview) preview->AfterStep(state.step, report.clean);
    checkpointer.AfterStep(state, context_);
  };
  at::Tensor latents;
  try {
    latents = Steps(pass, std::move(input), stage, after_step);
  } catch (...) {
    checkpointer.AfterFailure();
    item.saved = checkpointer.saved();
    throw;
  }
  stage.Finish(item.result.stages);
  if (!pass.last) checkpointer.SaveNow({pass.first_step + pass.job.steps(), latents, {}});
  item.saved = checkpointer.saved();
  return latents;
}

void Generation::FinishRecord(Item& item) const {
  const RecordOptions& record = item.request().record;
  if (!record.compare_with.empty()) {
    if (const auto equal = EqualsRecorded(record.compare_with, item.result.output))
      item.result.notes.push_back(*equal ? "the file has the same bytes as the recorded one"
                                         : "the file's bytes differ from the recorded one's");
  }
  if (record.path.empty()) return;
  WriteRecord(record.path, item.planned->identity, weights_, settings_, item.result, item.started);
}

// Throws Error where another process makes the same output.
void Generation::Lock(Item& item) {
  if (!item.lock && KeepsState(item.request())) item.lock.emplace(item.request().output.path);
}

// Another process may have made an entry of the same job since it was planned.
bool Generation::IsFinishedMeanwhile(const Item& item) const {
  const RecordOptions& record = item.request().record;
  return record.skip_finished && IsFinished(record.path, item.planned->identity);
}

void Generation::GenerateOne(Item& item, bool last) {
  Lock(item);
  item.result.skipped = IsFinishedMeanwhile(item);
  if (item.result.skipped) return;
  const c10::NoGradGuard no_grad;
  const at::Tensor latents = MakeLatentsSafely(item);
  // After the last video the weights are freed, so that decoding has the memory that the plan
  // assumed.
  const bool ends = last && kept_ == nullptr;
  const Residents residents = ends ? Residents{} : ChooseResidents(item.planned->memory);
  if (!residents.denoiser) DropDenoiser();
  ReleaseCachedMemory(settings_.device);
  WriteOutput(item, latents);
  if (!residents.decoder) decoder_.reset();
  ReleaseCachedMemory(settings_.device);
  FinishRecord(item);
}

// Takes over what the last run kept, where the first text can be encoded beside it; the rest is
// freed.
void Generation::TakeKept(const std::vector<Item>& items) {
  if (kept_ == nullptr || items.empty()) return;
  KeptNetworks kept = std::exchange(*kept_, {});
  const RunMemory& memory = items.front().planned->memory;
  const auto text = std::ranges::find(memory.device, StageKind::kTextEncoder, &StageMemory::kind);
  const bool fits =
      text == memory.device.end() || text->total() + kept.bytes <= memory.budget.device;
  const Residents residents = fits ? ChooseResidents(memory) : Residents{};
  if (residents.denoiser && kept.dit) {
    dit_ = std::move(kept.dit);
    dit_model_ = kept.model;
    block_weights_ = kept.block_weights;
    dit_bf16_ = kept.also_bf16;
  }
  if (residents.decoder) decoder_ = std::move(kept.decoder);
}

// A draft's own denoiser is not kept: its model goes with its plan.
void Generation::Keep(const std::vector<Item>& items) {
  if (kept_ == nullptr || items.empty()) return;
  for (const StageMemory& stage : items.back().planned->memory.device) {
    const bool denoiser = stage.kind == StageKind::kDenoiser && dit_ && IsOwn(dit_model_);
    const bool decoder = stage.kind == StageKind::kDecoder && decoder_ != nullptr;
    if (denoiser || decoder) kept_->bytes += stage.weights;
  }
  if (IsOwn(dit_model_)) kept_->dit = std::move(dit_);
  kept_->model = dit_model_;
  kept_->block_weights = block_weights_;
  kept_->also_bf16 = dit_bf16_;
  kept_->decoder = std::move(decoder_);
  dit_.reset();
}

// Leftovers of killed runs, for all at once: each folder is listed once.
void Generation::RemoveStale(const std::vector<Item>& items) {
  std::vector<std::string> paths;
  for (const Item& item : items) {
    const std::vector<std::string> written = WrittenPaths(item.request());
    paths.insert(paths.end(), written.begin(), written.end());
  }
  RemoveStaleTemporaries(paths);
}

// The plans that are to be run; the others are settled.
std::vector<Generation::Item> Generation::Accept(std::span<const RunPlan> plans,
                                                 const SettleFn& settle) const {
  std::vector<Item> items;
  FileClaims files;
  ClaimModelFiles(model_, files);
  for (size_t i = 0; i < plans.size(); ++i) {
    const RunPlan& plan = plans[i];
    try {
      if (plan.refusal) throw *plan.refusal;
      Item item = Start(i, plan);
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
  std::vector<Item> items = Accept(plans, settle);
  RemoveStale(items);
  const bool marks = plans.size() == 1 && items.size() == 1 && WantsMark(*items.front().planned);
  const StartMark mark(marks ? &items.front().planned->identity : nullptr);
  TakeKept(items);
  ExplainingMemory([&] { EncodePrompts(items); });
  for (Item& item : items) {
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
  Keep(items);
  return outcomes;
}

}  // namespace t3
