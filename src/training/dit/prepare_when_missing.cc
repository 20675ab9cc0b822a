// Runs t3 prepare for data.videos.
#include "training/dit/prepare_when_missing.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"

namespace t3 {

void PrepareWhenMissing(const DitTrainConfig& config, const RunContext& context) {
  constexpr size_t kMaxRejected = 20;  // rejected files in the log; rejected.json lists all
  ModelFiles files = config.model;
  files.loras.reset();  // they change the denoiser, which is not needed
  RunOptions options;
  options.device = config.device;
  options.dtype = config.dtype;
  const PrepareResult result =
      Prepare(files, options, *config.data.videos, context.progress, context.cancel);
  for (size_t i = 0; i < std::min(result.rejected.size(), kMaxRejected); ++i) {
    spdlog::warn("rejected: {}: {}", result.rejected[i].file, result.rejected[i].reason);
  }
  const std::string& folder = config.data.prepared;
  if (!result.rejected.empty()) {
    spdlog::warn("{} left out; {}/rejected.json lists them",
                 Counted(std::ssize(result.rejected), "file"), folder);
  }
  spdlog::info("{} has {}, {} of them new", folder, Counted(result.clips, "clip"), result.encoded);
}

}  // namespace t3
