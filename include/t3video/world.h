// Clips of the synthetic world, as files with captions to train on.
#pragma once

#include <cstdint>
#include <string>

#include "t3video/cancel.h"
#include "t3video/progress.h"

namespace t3 {

struct WorldRequest {
  uint64_t seed = 0;  // of the first clip; the others follow
  int64_t count = 1;
  int64_t width = 256, height = 144;
  int64_t frames = 17;
  double fps = 16;
  std::string output;           // folder, made if it is not there
  std::string format = "mp4";   // of the clips: mp4, mkv, y4m, or png (a folder of pictures each)
  std::string device = "auto";  // auto | cpu | cuda | cuda:N
  bool overwrite = false;       // replace files of these names that are not such clips
};

// Writes clips world_SEED.FORMAT into the folder, and captions.json: a list of {"file", "caption",
// "seed", "size", "frames", "fps", "attributes": {"land": "sea", ...}}, as `t3 prepare` reads it,
// of the clips that are there. Clips that an earlier call rendered with the same settings stay.
// Throws Error of kind kUsage for a request that cannot be met, kFailed when the folder cannot be
// written or a clip would replace a file that is not one, kInterrupted when cancelled; the same
// call then continues.
void MakeWorld(const WorldRequest& request, const ProgressFn& progress = {},
               const CancelToken* cancel = nullptr);

}  // namespace t3
