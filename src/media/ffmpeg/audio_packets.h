// The sound of a video as packets for another file. Runs in a decoding process: sources are
// hostile.
#pragma once

#include <memory>
#include <string>

#include "media/ffmpeg/audio_target.h"
#include "media/ffmpeg/av.h"

namespace t3 {

// The part of the source's sound that is wanted, in its own times.
struct AudioSpan {
  double begin = 0;    // seconds; becomes time 0
  double seconds = 0;  // how long
};

// Packets in order of time. What the source has before span.begin may show as packets with negative
// times, which players skip.
class AudioPackets {
 public:
  virtual ~AudioPackets() = default;
  // False at the end. Throws Error.
  virtual bool Next(AVPacket& packet) = 0;
  virtual const AVCodecParameters& parameters() const = 0;
  virtual AVRational time_base() const = 0;
};

// As the source has them. Where the container has no negative times, sound begins with the first
// packet from time 0 on. Throws Error.
std::unique_ptr<AudioPackets> CopyAudio(const std::string& path, const AVOutputFormat& container,
                                        const AudioSpan& span);

// Decoded and encoded again, from exactly the sample at span.begin to the one at its end. Gaps of
// more than a tenth of a second become silence, what overlaps by more is dropped, and what cannot
// be decoded is a gap. Throws Error where FFmpeg lacks decoder or encoder.
std::unique_ptr<AudioPackets> EncodeAudio(const std::string& path, const AVOutputFormat& container,
                                          const AudioEncoding& encoding, const AudioSpan& span);

}  // namespace t3
