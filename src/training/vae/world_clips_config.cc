// Reads and checks the clips of a VAE's training.
#include "training/vae/world_clips_config.h"

#include "base/check.h"
#include "training/loop/train_config.h"

namespace t3 {
namespace {

using nlohmann::json;

void TakeSizeAndFrames(JsonFields& fields, int64_t* width, int64_t* height, int64_t* frames) {
  fields.TakeSize("size", width, height);
  T3_CHECK(*width > 0, "{} needs \"size\"", fields.where());
  fields.TakeInteger("frames", 1, 100'000, frames);
  CheckFrameCount(fields.where(), *frames);
}

WorldBatchKind TakeBatchKind(JsonFields fields, int64_t batch_size) {
  WorldBatchKind kind;
  kind.clips = batch_size;
  TakeSizeAndFrames(fields, &kind.width, &kind.height, &kind.frames);
  kind.crop_width = kind.width;
  kind.crop_height = kind.height;
  fields.TakeSize("crop", &kind.crop_width, &kind.crop_height);
  T3_CHECK(kind.crop_width <= kind.width && kind.crop_height <= kind.height,
           "{}: the crop {}x{} is larger than the picture {}x{}", fields.where(), kind.crop_width,
           kind.crop_height, kind.width, kind.height);
  fields.Take("near_object", &kind.near_object);
  T3_CHECK(!kind.near_object || fields.Find("crop") != nullptr,
           "{}: \"near_object\" chooses the place of a \"crop\", which is missing", fields.where());
  fields.TakeInteger("clips", 1, 100'000, &kind.clips);
  fields.TakeInteger("turns", 1, 10'000, &kind.turns);
  fields.TakeInteger("ahead", 1, 10'000, &kind.ahead);
  fields.CheckAllTaken();
  return kind;
}

WorldClipSize TakeClipSize(JsonFields fields) {
  WorldClipSize size;
  TakeSizeAndFrames(fields, &size.width, &size.height, &size.frames);
  fields.TakeInteger("clips", 1, 100'000, &size.clips);
  fields.CheckAllTaken();
  return size;
}

}  // namespace

WorldClipsConfig TakeWorldClips(JsonFields fields, int64_t batch_size) {
  WorldClipsConfig config;
  config.where = fields.where();
  fields.ForEach("batches", [&](const json& object, const std::string& where) {
    config.batches.push_back(TakeBatchKind(JsonFields(object, where), batch_size));
  });
  T3_CHECK(!config.batches.empty(), "{} needs \"batches\", a list of the sizes to train on",
           config.where);
  const json* measured = fields.Find("measured");
  T3_CHECK(measured != nullptr,
           "{} needs \"measured\", the size and number of clips over which the latents' mean and "
           "standard deviation are taken",
           config.where);
  config.measured = TakeClipSize(JsonFields(*measured, config.where + ": measured"));
  fields.ForEach("held_out", [&](const json& object, const std::string& where) {
    config.held_out.push_back(TakeClipSize(JsonFields(object, where)));
  });
  fields.CheckAllTaken();
  return config;
}

void CheckStride(const WorldClipsConfig& config, int64_t stride) {
  const auto check = [&](const char* field, int64_t width, int64_t height) {
    T3_CHECK(width % stride == 0 && height % stride == 0,
             "{}: {}: {}x{}; this VAE needs multiples of {} pixels", config.where, field, width,
             height, stride);
  };
  for (const WorldBatchKind& kind : config.batches) {
    check("batches", kind.crop_width, kind.crop_height);
  }
  check("measured", config.measured.width, config.measured.height);
  for (const WorldClipSize& size : config.held_out) check("held_out", size.width, size.height);
}

}  // namespace t3
