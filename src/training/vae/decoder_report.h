// How well a decoder decodes held-out clips.
#pragma once

#include <vector>

#include "models/decoder/video_decoder.h"
#include "models/vae/vae.h"
#include "training/vae/clip_source.h"

namespace t3 {

// Of one clip.
struct DecodedClip {
  double psnr = 0;    // dB
  double detail = 0;  // DetailEnergy over the clip's own
  double error = 0;   // RMS difference over the clip's standard deviation
};

// Encodes the clips to the teacher's posterior mean and decodes them, clamped, in bounded memory.
std::vector<DecodedClip> MeasureDecoder(const Vae& teacher, const VideoDecoder& decoder,
                                        const ClipSet& clips);

}  // namespace t3
