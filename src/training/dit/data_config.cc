// Reads "data" of a denoiser's configuration.
#include "training/dit/data_config.h"

#include <utility>

#include "base/check.h"
#include "training/loop/train_config.h"
#include "world/world.h"

namespace t3 {
namespace {

PrepareRequest TakeVideos(JsonFields fields) {
  PrepareRequest request;
  fields.Take("source", &request.source);
  fields.TakeSizes("size", &request.sizes);
  fields.TakeIntegers("frames", 1, kMaxClipFrames, &request.frames);
  if (fields.Find("fps") != nullptr) fields.TakeNumber("fps", 0, 1000, &request.fps.emplace());
  fields.TakeInteger("clips_per_video", 1, kMaxClipsPerVideo, &request.clips_per_video);
  fields.TakeNumber("max_upscale", 1, kMaxUpscale, &request.max_upscale);
  std::pair<int64_t, int64_t> draft;
  fields.TakeSize("draft", &draft.first, &draft.second);
  if (draft.first > 0) request.draft = draft;
  fields.CheckAllTaken();
  T3_CHECK(!request.source.empty(), "{} needs \"source\", a folder or list of captioned videos",
           fields.where());
  return request;
}

}  // namespace

WorldLatentsConfig TakeWorldLatents(JsonFields fields, int64_t batch_size, int64_t seed) {
  WorldLatentsConfig config;
  fields.Take("cache", &config.cache);
  config.seed = seed;
  fields.TakeInteger("seed", 0, int64_t{1} << 40, &config.seed);
  fields.TakeNumber("object_weight", 1, 1000, &config.object_weight);
  fields.ForEach("sizes", [&](const nlohmann::json& object, const std::string& where) {
    JsonFields entry(object, where);
    WorldLatentSize& size = config.sizes.emplace_back();
    size.batch = batch_size;
    entry.TakeSize("size", &size.width, &size.height);
    entry.TakeInteger("frames", 1, kMaxClipFrames, &size.frames);
    entry.TakeInteger("clips", 1, kMaxWorldClips, &size.clips);
    entry.TakeInteger("batch", 1, 1'000'000, &size.batch);
    entry.TakeInteger("turns", 1, 10'000, &size.turns);
    entry.TakeInteger("together", 1, 100'000, &size.together);
    entry.TakeSize("draft", &size.draft_width, &size.draft_height);
    entry.CheckAllTaken();
    T3_CHECK(size.width > 0 && size.clips > 0, "{} needs \"size\" and \"clips\"", where);
    CheckFrameCount(where, size.frames);
  });
  fields.CheckAllTaken();
  T3_CHECK(!config.sizes.empty(), "{} needs \"sizes\", the clips to render", fields.where());
  return config;
}

DitDataConfig TakeDitData(JsonFields fields, int64_t batch_size, int64_t seed) {
  DitDataConfig data;
  fields.Take("prepared", &data.prepared);
  if (fields.Find("videos") != nullptr) {
    data.videos = TakeVideos(fields.Object("videos"));
    data.videos->output = data.prepared;
  }
  if (fields.Find("world") != nullptr) {
    data.world = TakeWorldLatents(fields.Object("world"), batch_size, seed);
  }
  fields.CheckAllTaken();
  T3_CHECK(data.prepared.empty() != !data.world.has_value(),
           "{} needs either \"prepared\", a folder that `t3 prepare` made or that is made of "
           "\"videos\", or \"world\"",
           fields.where());
  T3_CHECK(!data.videos || !data.world, "{} has \"videos\" and \"world\"; wanted one of them",
           fields.where());
  return data;
}

}  // namespace t3
