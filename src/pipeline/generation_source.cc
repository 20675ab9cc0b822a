// The clip that a run starts from: a source video, or the draft that it makes first.
#include "pipeline/draft_spool.h"
#include "pipeline/encode_clip.h"
#include "pipeline/generation.h"
#include "pipeline/ranks/shared_encoder.h"
#include "pipeline/refinement.h"

namespace t3 {

void Generation::MakeDraft(RunItem& item) {
  const PlannedDraft& draft = *item.planned->draft;
  DenoisingPass pass{draft.model ? *draft.model : scope_.model, draft.job, draft.memory,
                     draft.image, "denoising draft"};
  pass.last = false;
  item.draft = RunPass(item, pass);
}

// Decoded at its own size once; what follows reads the frames from a spool file.
void Generation::DecodeDraft(RunItem& item) {
  const PlannedJob& planned = *item.planned;
  const VideoGeometry& small = planned.draft->job.geometry;
  const DecodeTarget target = DraftTarget(planned, item.request().output.keep_draft);
  std::unique_ptr<VideoWriter> file;
  if (!target.output.path.empty()) file = OpenVideoWriter(target.output.path, SettingsOf(target));
  networks_.MakeRoomToDecode(planned.draft->memory);
  const VideoDecoder& decoder = networks_.Decoder();
  Stage stage(scope_.context, "decoding draft", small.frames, "frames");
  const auto spool = SpoolDraft(decoder, item.draft, target, std::move(file),
                                SpoolFolder(item.request().output.path), stage);
  stage.Finish(item.result.stages);
  const VideoGeometry& video = item.job().geometry;
  item.source = SpooledClip(spool, small.frames, video.padded_width, video.padded_height);
}

void Generation::OpenSource(RunItem& item) {
  if (item.source) return;
  const Job& job = item.job();
  const VideoGeometry& video = job.geometry;
  if (item.planned->draft) {
    DecodeDraft(item);
  } else if (!job.request.video.empty()) {
    const SourceInfo& source = *item.planned->source;
    item.source = FileClip({job.request.video, source.width, source.height, job.fps, video.frames},
                           video.padded_width, video.padded_height);
  }
}

at::Tensor Generation::EncodeSource(RunItem& item) {
  const Job& job = item.job();
  if (!job.refines() || job.sampling.strength == 1) return {};
  OpenSource(item);
  networks_.MakeRoomToEncode(item.planned->memory, DenoisedBy(scope_.model, job));
  const ClipEncoder encoder(scope_.model, scope_.settings.dtype, scope_.context, scope_.team);
  Stage stage(scope_.context, item.planned->draft ? "encoding draft" : "encoding video",
              VaeConfig::kTimeStride * (job.geometry.latent.t - 1) + 1, "frames");
  const at::Tensor latents =
      EncodeClip(encoder, *item.source, job.geometry.latent.t, EncodedFrames(job),
                 SpoolFolder(job.request.output.path), stage);
  stage.Finish(item.result.stages);
  return latents;
}

}  // namespace t3
