// What becomes of a source's sound in a container.
#pragma once

#include <string>

#include "media/ffmpeg/av.h"

namespace t3 {

// An encoder of sound and the samples that it takes.
struct AudioEncoding {
  const char* encoder = nullptr;  // FFmpeg's name
  const char* codec = nullptr;    // for people
  AVSampleFormat samples = AV_SAMPLE_FMT_NONE;
  int rate = 0;              // samples a second; 0: the source's, up to 48000
  int channel_bit_rate = 0;  // bits a second for each channel
};

// How players expect sound in the container; nothing for those without sound.
const AudioEncoding* EncodingFor(const AVOutputFormat& container);

// Whether the container takes the codec as it is, in a form that players know.
bool IsCopied(AVCodecID codec, const AVOutputFormat& container);

}  // namespace t3
