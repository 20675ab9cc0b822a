// The stages of a run.
#include "pipeline/generation.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/check.h"
#include "media/image.h"
#include "pipeline/denoise.h"
#include "pipeline/device.h"
#include "pipeline/load_models.h"
#include "pipeline/tensor_file.h"
#include "pipeline/text_stage.h"
#include "sampling/noise.h"

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

// Where the latents wait while the video is decoded: a.mp4 -> a.mp4.latents.safetensors.
std::string LatentsBeside(std::string output) {
  while (output.size() > 1 && output.back() == '/') output.pop_back();
  return output + ".latents.safetensors";
}

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

std::string Generation::RunDtypeName() const {
  return settings_.dtype == at::kBFloat16 ? "bf16" : "fp32";
}

Generation::Item Generation::Prepare(size_t index, const Request& request) const {
  Item item;
  item.index = index;
  item.job = PlanJob(model_, request);
  const Job& job = item.job;
  CheckDit(model_);
  if (request.text_embeds.empty()) CheckTextEncoder(model_);
  if (!IsTensorFile(request.output) || !request.image.empty()) CheckVae(model_);
  item.target = {request.output, job.geometry, job.fps, request.file,
                 JobMetadata(model_, job, RunDtypeName())};
  CheckDecodeTarget(item.target);
  if (!request.save_latents.empty()) const AtomicFile writable(request.save_latents);
  CheckMemory(model_, job, settings_.device, settings_.dtype, settings_.limits);
  if (!request.text_embeds.empty()) {
    item.embeds = LoadPromptEmbeds(request.text_embeds, model_.dit.text_dim, model_.dit.text_len,
                                   job.sampling.guidance != 1);
  }
  if (!request.noise.empty()) Noise(job);
  if (!request.image.empty()) ReadImage(request.image);
  item.result.output = request.output;
  item.result.width = job.geometry.width;
  item.result.height = job.geometry.height;
  item.result.frames = job.geometry.frames;
  item.result.notes = job.notes;
  return item;
}

void Generation::EncodePrompts(std::vector<Item>& items) {
  std::vector<std::string> texts;
  for (const Item& item : items) {
    if (!item.job.request.text_embeds.empty()) continue;
    texts.push_back(item.job.request.prompt);
    if (item.job.sampling.guidance != 1) texts.push_back(item.job.negative_prompt);
  }
  std::vector<Result::Stage> stages;
  const auto encoded = EncodeTexts(model_, texts, settings_.dtype, context_, stages);
  for (Item& item : items) {
    if (!item.job.request.text_embeds.empty()) continue;
    item.embeds.prompt = encoded.at(item.job.request.prompt);
    if (item.job.sampling.guidance != 1)
      item.embeds.negative = encoded.at(item.job.negative_prompt);
    item.result.stages.insert(item.result.stages.end(), stages.begin(), stages.end());
  }
}

at::Tensor Generation::EncodeImage(Item& item) const {
  if (item.job.request.image.empty()) return {};
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
  const at::Tensor first_frame = EncodeImage(item);
  ReleaseCachedMemory(settings_.device);
  const Job& job = item.job;
  if (!dit_) dit_ = LoadDit(model_, settings_.dtype, context_);
  const DitAttention attention =
      DitAttention::Make(job.attention.pattern, job.attention.windows, job.geometry.grid,
                         model_.dit.num_layers, model_.dit.head_dim(), settings_.device);
  const DenoiseInput input{job.sampling, Noise(job), first_frame, item.embeds.prompt.embeds,
                           item.embeds.negative.embeds};
  Stage stage(context_, "denoising", job.sampling.steps);
  const at::Tensor latents = Denoise(*dit_, attention, input, settings_.device, stage).cpu();
  stage.Finish(item.result.stages);
  return latents;
}

void Generation::DecodeSafely(Item& item, const at::Tensor& latents, const std::string& saved) {
  const std::string remedy =
      fmt::format("the latents are in {}; `t3 decode` makes the video from them", saved);
  const auto add_remedy = [&](const Error& error) {
    return Error(fmt::format("{}; {}", error.what(), remedy), error.kind());
  };
  try {
    const Vae vae = LoadVae(model_, VaeHalf::kDecoder, settings_.dtype, context_);
    Stage stage(context_, "decoding", item.job.geometry.frames);
    DecodeToFile(vae, latents, item.target, stage);
    stage.Finish(item.result.stages);
  } catch (const Error& error) {
    throw add_remedy(error);
  } catch (const c10::OutOfMemoryError&) {
    throw add_remedy(Error("out of device memory while decoding"));
  }
}

void Generation::WriteOutput(Item& item, const at::Tensor& latents) {
  const Request& request = item.job.request;
  const Metadata& metadata = item.target.metadata;
  if (!request.save_latents.empty())
    SaveTensors(request.save_latents, {{"latents", latents}}, metadata);
  if (IsTensorFile(request.output)) {
    SaveTensors(request.output, {{"latents", latents}}, metadata);
    return;
  }
  const bool kept = !request.save_latents.empty();
  const std::string saved = kept ? request.save_latents : LatentsBeside(request.output);
  if (!kept) SaveTensors(saved, {{"latents", latents}}, metadata);
  DecodeSafely(item, latents, saved);
  std::error_code ignored;
  if (!kept) std::filesystem::remove(saved, ignored);
}

void Generation::Make(Item& item) {
  const c10::NoGradGuard no_grad;
  try {
    const at::Tensor latents = DenoiseItem(item);
    if (!DenoiserFitsBesideDecoder(model_, item.job, settings_.device, settings_.dtype,
                                   settings_.limits))
      dit_.reset();
    ReleaseCachedMemory(settings_.device);
    WriteOutput(item, latents);
    ReleaseCachedMemory(settings_.device);
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
      items.push_back(Prepare(i, requests[i]));
    } catch (...) {
      settle(i, std::current_exception());
    }
  }
  EncodePrompts(items);
  for (Item& item : items) {
    std::exception_ptr error;
    try {
      Make(item);
      outcomes[item.index].result = item.result;
    } catch (...) {
      error = std::current_exception();
    }
    settle(item.index, error);
  }
  return outcomes;
}

}  // namespace t3
