// The stages of a run.
#include "pipeline/generation.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/log.h"
#include "media/image.h"
#include "pipeline/checkpointer.h"
#include "pipeline/denoise.h"
#include "pipeline/device.h"
#include "pipeline/load_models.h"
#include "pipeline/preview.h"
#include "pipeline/record.h"
#include "pipeline/settings.h"
#include "pipeline/tensor_file.h"
#include "pipeline/text_stage.h"
#include "sampling/noise.h"
#include "t3video/run.h"

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

// Pixels (H,W,3) of 0..255 -> (3,1,H,W) in [-1,1].
at::Tensor ImageTensor(const Image& image) {
  const at::Tensor bytes = at::from_blob(const_cast<uint8_t*>(image.rgb.data()),
                                         {image.height, image.width, 3}, at::kByte);
  return bytes.permute({2, 0, 1}).to(at::kFloat).mul(2.0 / 255.0).sub(1).unsqueeze(1).contiguous();
}

// The mark that a run has begun lies beside its output until there is a state worth keeping, or
// nothing to be done: a run that fails before its first checkpoint leaves nothing.
class StartMark {
 public:
  // nullptr: no mark is wanted.
  explicit StartMark(const RunIdentity* identity) : identity_(identity) {
    if (identity_ == nullptr) return;
    try {
      SaveStart(*identity_);
    } catch (const Error& error) {
      spdlog::warn("the beginning of the run could not be noted: {}", error.what());
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

// Errors that libtorch reports for memory, in our words.
[[noreturn]] void RethrowMemory(const c10::OutOfMemoryError& error) {
  const std::string text = error.what_without_backtrace();
  Fail(
      "out of device memory: {}; a smaller --size, fewer --frames or a larger --memory-limit may "
      "help",
      text.substr(0, text.find('\n')));
}

}  // namespace

Generation::Generation(const ModelInfo& model, const RunSettings& settings,
                       const RunContext& context)
    : model_(model), settings_(settings), context_(context) {}

RunIdentity Generation::Identify(const Job& job, const Metadata& metadata) {
  if (weights_.is_null()) weights_ = WeightDigests(model_);
  RunOptions options = settings_.options;
  options.device = settings_.device.str();
  options.dtype = settings_.DtypeName();
  RunIdentity identity;
  identity.output = job.request.output;
  identity.settings = SettingsJson(settings_.files, options, DecidedRequest(job));
  identity.inputs = RunInputs(model_, job, settings_, weights_);
  identity.device = options.device;
  identity.steps = job.sampling.steps;
  identity.metadata = metadata;
  return identity;
}

void Generation::CheckFiles(const Job& job, const DecodeTarget& target) const {
  const Request& request = job.request;
  CheckDit(model_);
  if (request.text_embeds.empty()) CheckTextEncoder(model_);
  if (!IsTensorFile(request.output) || !request.image.empty() || !request.preview.empty())
    CheckVae(model_);
  for (const std::string& path :
       {request.output, CheckpointBeside(request.output), LatentsBeside(request.output),
        request.save_latents, request.record, request.preview}) {
    if (!path.empty()) RemoveStaleTemporaries(path);
  }
  CheckDecodeTarget(target);
  for (const std::string& path : {request.save_latents, request.record, request.preview}) {
    if (!path.empty()) const AtomicFile writable(path);
  }
}

// Goes on where an earlier run stopped.
void Generation::TakeUp(Item& item, FoundRun found) const {
  item.embeds = found.progress.embeds;
  item.result.resumed_from = found.progress.sampler.step;
  spdlog::info("goes on after step {} of {}, from {}", found.progress.sampler.step,
               item.identity.steps, found.file);
  for (const std::string& note : found.notes) {
    spdlog::warn(note);
    item.result.notes.push_back(note);
  }
  item.found = std::move(found);
}

Generation::Item Generation::Prepare(size_t index, const Request& request) {
  Item item;
  item.index = index;
  item.job = PlanJob(model_, request);
  const Job& job = item.job;
  item.target = {request.output, job.geometry, job.fps, request.file,
                 JobMetadata(model_, job, settings_.DtypeName())};
  item.identity = Identify(job, item.target.metadata);
  item.result.output = request.output;
  item.result.width = job.geometry.width;
  item.result.height = job.geometry.height;
  item.result.frames = job.geometry.frames;
  item.result.notes = job.notes;
  if (request.skip_finished && IsFinished(request.record, item.identity)) {
    item.result.skipped = true;
    return item;
  }
  if (!request.repeats.empty()) {
    for (const std::string& note : CompareWithRecord(request.repeats, item.identity))
      item.result.notes.push_back(note);
  }
  CheckFiles(job, item.target);
  item.memory = CheckMemory(model_, job, settings_.device, settings_.dtype, settings_.limits);
  // Or a resume of this run would find what was given up.
  if (request.existing_state == ExistingState::kDiscard) RemoveRunState(request.output);
  if (auto found = FindRun(item.identity, request.resume_from, request.existing_state)) {
    TakeUp(item, std::move(*found));
  } else if (!request.text_embeds.empty()) {
    item.embeds = LoadPromptEmbeds(request.text_embeds, model_.dit.text_dim, model_.dit.text_len,
                                   job.sampling.guidance != 1);
  }
  if (!request.noise.empty()) Noise(job);
  if (!request.image.empty()) ReadImage(request.image);
  return item;
}

void Generation::EncodePrompts(std::vector<Item>& items) {
  const auto has_text = [](const Item& item) {
    return item.found || !item.job.request.text_embeds.empty();
  };
  std::vector<std::string> texts;
  for (const Item& item : items) {
    if (has_text(item)) continue;
    texts.push_back(item.job.request.prompt);
    if (item.job.sampling.guidance != 1) texts.push_back(item.job.negative_prompt);
  }
  std::vector<Result::Stage> stages;
  const auto encoded = EncodeTexts(model_, texts, settings_.dtype, context_, stages);
  for (Item& item : items) {
    if (has_text(item)) continue;
    item.embeds.prompt = encoded.at(item.job.request.prompt);
    if (item.job.sampling.guidance != 1)
      item.embeds.negative = encoded.at(item.job.negative_prompt);
    item.result.stages.insert(item.result.stages.end(), stages.begin(), stages.end());
  }
}

at::Tensor Generation::EncodeImage(Item& item) const {
  if (item.job.request.image.empty()) return {};
  if (item.found) return item.found->progress.first_frame;
  const c10::NoGradGuard no_grad;
  const VideoGeometry& geometry = item.job.geometry;
  const Image image =
      ResizeCover(ReadImage(item.job.request.image), geometry.made_width, geometry.made_height);
  const Vae vae = LoadVae(model_, VaeHalf::kEncoder, at::kFloat, context_);
  Stage stage(context_, "encoding image", 1);
  const at::Tensor picture = ImageTensor(image);
  const EncodePlan plan = PlanEncode(vae.config(), {1, geometry.latent.h, geometry.latent.w},
                                     vae.element_bytes(), DecodeBudget(context_));
  const at::Tensor latents = vae.EncodeFrom(
      plan, [&](int64_t, int64_t) { return picture; }, [&] { context_.CheckCancelled(); });
  stage.Finish(item.result.stages);
  return latents;
}

at::Tensor Generation::Noise(const Job& job) const {
  const VideoGeometry& geometry = job.geometry;
  const std::vector<int64_t> shape{model_.dit.latent_channels, geometry.latent.t, geometry.latent.h,
                                   geometry.latent.w};
  if (job.request.noise.empty()) {
    return TorchNoise(job.request.seed, {1, shape[0], shape[1], shape[2], shape[3]}).squeeze(0);
  }
  const at::Tensor noise = ReadLatents(*WeightFile::Open(job.request.noise), "noise");
  T3_CHECK(noise.sizes() == at::IntArrayRef(shape),
           "{}: tensor noise has shape ({}), wanted ({}) for {}x{}, {} frames", job.request.noise,
           fmt::join(noise.sizes(), ","), fmt::join(shape, ","), geometry.made_width,
           geometry.made_height, geometry.frames);
  return noise;
}

at::Tensor Generation::DenoiseItem(Item& item) {
  if (item.found && item.found->progress.sampler.step == item.identity.steps) {
    return item.found->progress.sampler.latents;
  }
  const at::Tensor first_frame = EncodeImage(item);
  ReleaseCachedMemory(settings_.device);
  const BlockWeights wanted = BlockWeightsOf(item.memory);
  if (dit_ && block_weights_ != wanted) dit_.reset();
  if (!dit_) dit_ = LoadDit(model_, settings_.dtype, wanted, context_);
  block_weights_ = wanted;
  ReleaseCachedMemory(settings_.device);  // of loading
  return RunSteps(item, first_frame);
}

at::Tensor Generation::RunSteps(Item& item, const at::Tensor& first_frame) {
  const Job& job = item.job;
  const AttentionLayout attention =
      AttentionLayout::Make(job.attention.pattern, job.attention.windows, job.geometry.grid,
                            model_.dit.num_layers, model_.dit.head_dim(), settings_.device);
  RunProgress progress{{}, item.embeds, first_frame};
  DenoiseInput input{
      job.sampling, {}, first_frame, item.embeds.prompt.embeds, item.embeds.negative.embeds,
      std::nullopt};
  if (item.found) {
    input.from = progress.sampler = item.found->progress.sampler;
  } else {
    input.noise = Noise(job);
  }
  std::optional<Preview> preview;
  if (!job.request.preview.empty()) {
    preview.emplace(job.request.preview, job.request.preview_every, job.sampling.steps,
                    LoadPreviewMap(model_, context_));
  }
  dit_->set_scratch_bytes(item.memory.denoiser_scratch);
  Checkpointer checkpointer(item.identity, job.request.checkpoint_every, progress);
  Stage stage(context_, "denoising", job.sampling.steps, "steps");
  const at::Tensor latents =
      Denoise(*dit_, attention, input, settings_.device, stage, [&](const StepReport& report) {
        if (preview) preview->AfterStep(report.state.step, report.clean);
        checkpointer.AfterStep(report.state, context_);
      }).cpu();
  stage.Finish(item.result.stages);
  return latents;
}

void Generation::Make(Item& item, bool last) {
  const c10::NoGradGuard no_grad;
  const at::Tensor latents = DenoiseItem(item);
  // After the last video nothing waits for the weights, and decoding takes what was foretold.
  const Residents residents = last ? Residents{} : ChooseResidents(item.memory);
  if (!residents.denoiser) dit_.reset();
  ReleaseCachedMemory(settings_.device);
  WriteOutput(item, latents);
  if (!residents.decoder) vae_.reset();
  ReleaseCachedMemory(settings_.device);
  const Request& request = item.job.request;
  if (!request.repeats.empty()) {
    if (const auto equal = EqualsRecorded(request.repeats, request.output))
      item.result.notes.push_back(*equal ? "the file has the same bytes as the recorded one"
                                         : "the file's bytes differ from the recorded one's");
  }
  if (!request.record.empty()) {
    WriteRecord(request.record, item.identity, weights_, settings_, item.result, item.started);
  }
}

void Generation::MakeOrExplain(Item& item, bool last) {
  try {
    Make(item, last);
  } catch (const c10::OutOfMemoryError& error) {
    RethrowMemory(error);
  }
}

std::vector<Outcome> Generation::Run(std::span<const Request> requests,
                                     const Engine::FinishedFn& finished) {
  std::vector<Outcome> outcomes(requests.size());
  const auto settle = [&](size_t index, std::exception_ptr error) {
    outcomes[index].error = std::move(error);
    if (outcomes[index].error && IsInterrupted(outcomes[index].error)) {
      std::rethrow_exception(outcomes[index].error);
    }
    if (finished) finished(index, outcomes[index]);
  };
  std::vector<Item> items;
  for (size_t i = 0; i < requests.size(); ++i) {
    try {
      Item item = Prepare(i, requests[i]);
      if (item.result.skipped) {
        outcomes[i].result = item.result;
        settle(i, nullptr);
      } else {
        items.push_back(std::move(item));
      }
    } catch (...) {
      settle(i, std::current_exception());
    }
  }
  const StartMark mark(requests.size() == 1 && items.size() == 1 && !items.front().found
                           ? &items.front().identity
                           : nullptr);
  EncodePrompts(items);
  for (Item& item : items) {
    std::exception_ptr error;
    try {
      MakeOrExplain(item, &item == &items.back());
      outcomes[item.index].result = item.result;
    } catch (...) {
      error = std::current_exception();
    }
    settle(item.index, error);
  }
  return outcomes;
}

}  // namespace t3
