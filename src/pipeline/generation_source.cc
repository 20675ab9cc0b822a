// The clip that a run starts from: a source video, or the draft that it makes first.
#include "pipeline/draft_spool.h"
#include "pipeline/encode_clip.h"
#include "pipeline/generation.h"
#include "pipeline/ranks/shared_decoder.h"
#include "pipeline/ranks/shared_encoder.h"
#include "pipeline/refinement.h"
#include "runtime/device.h"

namespace t3 {

void Generation::MakeDraft(Item& item) {
  const PlannedDraft& draft = *item.planned->draft;
  Pass pass{draft.model ? *draft.model : model_, draft.job, draft.memory, draft.image,
            "denoising draft"};
  pass.last = false;
  item.draft = RunPass(item, pass);
}

// Decoded at its own size once; what follows reads the frames from a spool file.
void Generation::DecodeDraft(Item& item) {
  const PlannedJob& planned = *item.planned;
  const VideoGeometry& small = planned.draft->job.geometry;
  const DecodeTarget target = DraftTarget(planned, item.request().output.keep_draft);
  std::unique_ptr<VideoWriter> file;
  if (!target.output.path.empty()) file = OpenVideoWriter(target.output.path, SettingsOf(target));
  if (!decoder_) decoder_ = OpenDecoder(model_, settings_.dtype, context_, team_);
  Stage stage(context_, "decoding draft", small.frames, "frames");
  const auto spool = SpoolDraft(*decoder_, item.draft, target, std::move(file),
                                SpoolFolder(item.request().output.path), stage);
  stage.Finish(item.result.stages);
  const VideoGeometry& video = item.job().geometry;
  item.source = SpooledClip(spool, small.frames, video.padded_width, video.padded_height);
}

void Generation::OpenSource(Item& item) {
  if (item.source) return;
  const Job& job = item.job();
  const VideoGeometry& video = job.geometry;
  if (item.planned->draft) {
    // The denoiser stays where the decoder fits beside it, as after any video.
    if (!ChooseResidents(item.planned->draft->memory).denoiser) DropDenoiser();
    ReleaseCachedMemory(settings_.device);
    DecodeDraft(item);
  } else if (!job.request.video.empty()) {
    const SourceInfo& source = *item.planned->source;
    item.source = FileClip({job.request.video, source.width, source.height, job.fps, video.frames},
                           video.padded_width, video.padded_height);
  }
}

at::Tensor Generation::EncodeSource(Item& item) {
  const Job& job = item.job();
  if (!job.refines() || job.sampling.strength == 1) return {};
  OpenSource(item);
  // Weights that are needed again stay where there is room for them then too.
  const Residents residents = ChooseResidents(item.planned->memory);
  if (!residents.both || !residents.decoder) decoder_.reset();
  if (!residents.both || dit_model_ != &DenoisedBy(model_, job)) DropDenoiser();
  ReleaseCachedMemory(settings_.device);
  const ClipEncoder encoder(model_, settings_.dtype, context_, team_);
  Stage stage(context_, item.planned->draft ? "encoding draft" : "encoding video",
              VaeConfig::kTimeStride * (job.geometry.latent.t - 1) + 1, "frames");
  const at::Tensor latents =
      EncodeClip(encoder, *item.source, job.geometry.latent.t, EncodedFrames(job),
                 SpoolFolder(job.request.output.path), stage);
  stage.Finish(item.result.stages);
  return latents;
}

}  // namespace t3
