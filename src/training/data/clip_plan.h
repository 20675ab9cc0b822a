// The sizes of prepared clips, and which clips of a source fit which size.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "t3video/generation_params.h"

namespace t3 {

struct ClipSize {
  int64_t width = 0;   // pixels
  int64_t height = 0;  // pixels
  int64_t frames = 0;  // 4n+1
  auto operator<=>(const ClipSize&) const = default;
};
std::string ClipSizeText(const ClipSize& bucket);  // "832x480x81"

// The frames of a source file that make one clip.
struct Clip {
  ClipSize bucket;
  double start = 0;             // seconds
  std::vector<int64_t> frames;  // bucket.frames indices into the source's frames, ascending
};

struct ClipSettings {
  std::vector<ClipSize> buckets;  // images may go to any size with one frame
  double fps = 0;
  int64_t clips_per_video = 1;
  double max_upscale = 1;
  std::optional<VideoSize> draft = {};  // see PrepareRequest; absent: clips have none
};

// The bucket for a source of width x height with `frames` frames at the wanted rate. Among those
// that the source fills without being enlarged beyond max_upscale: within 2 % of the least
// cropping, then the most pixels, then the most frames. Throws Error that says what is too small or
// too short.
ClipSize ChooseClipSize(const ClipSettings& settings, int64_t width, int64_t height, int64_t frames,
                        bool image);

// Clips of a video whose frames are shown at `times` (seconds, ascending, from 0): as many as fit
// up to clips_per_video, each in the middle of an equal share; every frame is the one nearest in
// time, which repeats frames where the recorder dropped some. Throws Error as ChooseClipSize does,
// and for a video with fewer frames a second than wanted.
std::vector<Clip> PlanClips(const ClipSettings& settings, int64_t width, int64_t height,
                            const std::vector<double>& times);

}  // namespace t3
