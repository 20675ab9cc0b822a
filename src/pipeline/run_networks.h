// The networks of a run that are in memory from one stage or video to the next.
#pragma once

#include <cstdint>
#include <memory>

#include "models/decoder/video_decoder.h"
#include "pipeline/memory_check.h"
#include "pipeline/resident_denoiser.h"
#include "pipeline/run_scope.h"

namespace t3 {

// What stays in memory from one run to the next over the same model.
struct KeptNetworks {
  ResidentDenoiser denoiser;
  std::unique_ptr<VideoDecoder> decoder;
  int64_t bytes = 0;  // of all their weights
};

// Owns the denoiser and the decoder. Before a stage the one that it does not use is freed, unless
// the memory plan of the video has room for both.
class RunNetworks {
 public:
  // `kept`: what the last run left; nullptr: nothing outlives the run.
  RunNetworks(const RunScope& scope, KeptNetworks* kept) : scope_(scope), kept_(kept) {}

  // Before the first video, of which `memory` is the plan: takes over what the last run kept, where
  // the first text can be encoded beside it; the rest is freed.
  void TakeKept(const RunMemory& memory);
  // After the last video, of which `memory` is the plan.
  void Keep(const RunMemory& memory);

  void MakeRoomToDenoise(const RunMemory& memory);
  // `last`: no video comes after this one.
  void MakeRoomToDecode(const RunMemory& memory, bool last = false);
  // For the encoder of clips. `next`: the model that denoises then.
  void MakeRoomToEncode(const RunMemory& memory, const ModelInfo& next);

  // Loaded unless it is in memory, on all ranks. Throw Error as LoadDit and OpenDecoder do.
  const Dit& Denoiser(const ResidentDenoiser::Wanted& wanted);
  const VideoDecoder& Decoder();

 private:
  void Free(bool denoiser, bool decoder);

  const RunScope& scope_;
  KeptNetworks* kept_;
  ResidentDenoiser denoiser_;
  std::unique_ptr<VideoDecoder> decoder_;
};

}  // namespace t3
