// data.videos as a request to t3 prepare.
#include "training/prepare_when_missing.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "t3video/prepare.h"
#include "base/json_fields.h"

namespace t3 {
namespace {

constexpr size_t kMaxRejected = 20;  // rejected files in the log; rejected.json has all

PrepareRequest RequestOf(const nlohmann::json& videos, const std::string& where) {
  JsonFields fields(videos, where);
  PrepareRequest request;
  fields.Take("source", &request.source);
  fields.TakeSizes("size", &request.sizes);
  fields.TakeIntegers("frames", 1, 100'000, &request.frames);
  double fps = 0;
  fields.TakeNumber("fps", 0, 1000, &fps);
  if (fps > 0) request.fps = fps;
  fields.TakeInteger("clips_per_video", 1, 1'000'000, &request.clips_per_video);
  fields.TakeNumber("max_upscale", 1, 1000, &request.max_upscale);
  fields.CheckAllTaken();
  T3_CHECK(!request.source.empty(), "{} needs \"source\", a folder or list of captioned videos",
           where);
  return request;
}

}  // namespace

void PrepareWhenMissing(const TrainConfig& config, const nlohmann::json& videos,
                        const std::string& prepared, const RunContext& context) {
  PrepareRequest request = RequestOf(videos, config.source + ": data.videos");
  request.output = prepared;
  ModelFiles files = config.model;
  files.loras.clear();  // they change the denoiser, which takes no part
  RunOptions options;
  options.device = config.device;
  options.dtype = ParseComputeDtype(config.dtype);
  const PrepareResult result = Prepare(files, options, request, context.progress, context.cancel);
  for (size_t i = 0; i < std::min(result.rejected.size(), kMaxRejected); ++i) {
    spdlog::warn("rejected: {}: {}", result.rejected[i].file, result.rejected[i].reason);
  }
  if (!result.rejected.empty()) {
    spdlog::warn("{} files are left out, listed in {}/rejected.json", result.rejected.size(),
                 prepared);
  }
  spdlog::info("{} holds {} clips, {} of them new", prepared, result.clips, result.encoded);
}

}  // namespace t3
