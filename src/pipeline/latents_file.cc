// Latents with the size and frame rate from the file's metadata.
#include "pipeline/latents_file.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "arch/decoder.h"
#include "base/check.h"
#include "base/text.h"
#include "loading/tensor_file.h"

namespace t3 {
namespace {

// A value of the metadata, or `fallback` where there is none.
std::string MetadataOr(const WeightFile& file, const std::string& key,
                       const std::string& fallback) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? fallback : found->second;
}

// The geometry of latents (z,T,h,w): the size in the metadata where it fits the latents, else all
// that they decode to.
VideoGeometry GeometryOfLatents(const WeightFile& file, const at::Tensor& latents,
                                const VaeConfig& vae) {
  const int64_t stride = vae.spatial_stride();
  const int64_t height = latents.size(2) * stride;
  const int64_t width = latents.size(3) * stride;
  long long asked_width = 0;
  long long asked_height = 0;
  const std::string size = MetadataOr(file, "t3.size", "");
  const VideoGeometry whole = WholeVideo({latents.size(1), latents.size(2), latents.size(3)}, vae);
  // A video is cropped by less than two tokens (plan/geometry.h); more is another video's size.
  const int64_t max_cropped = 4 * stride;
  const auto is_crop = [&](int64_t made, int64_t asked) {
    return asked > 0 && asked <= made && made - asked < max_cropped;
  };
  if (std::sscanf(size.c_str(), "%lldx%lld", &asked_width, &asked_height) == 2 &&
      is_crop(width, asked_width) && is_crop(height, asked_height)) {
    return CroppedTo(whole, asked_width, asked_height);
  }
  return whole;
}

// Metadata of the video: without what only `t3 resume` needs, because paths of this machine do not
// belong in a video, and with the decoder of this model.
Metadata MetadataOfVideo(Metadata metadata, const ModelInfo& model) {
  std::erase_if(metadata, [](const auto& entry) { return entry.first.starts_with("t3.run."); });
  metadata.erase("t3.decoder");
  if (model.decoder)
    metadata["t3.decoder"] = std::filesystem::path(model.decoder->path).filename().string();
  return metadata;
}

double FpsOfLatents(const WeightFile& file, double fallback) {
  const std::string text = MetadataOr(file, "t3.fps", "");
  const double fps = text.empty() ? fallback : std::atof(text.c_str());
  return fps > 0 ? fps : fallback;
}

}  // namespace

StoredLatents ReadStoredLatents(const std::string& path, const ModelInfo& model,
                                std::optional<int64_t> last_frame) {
  const auto file = WeightFile::Open(path, FileOrigin::kOwn);
  const at::Tensor latents = ReadLatents(*file, "latents");
  T3_CHECK(
      latents.size(0) == LatentChannels(DecoderOf(model)),
      "{} holds latents with {} channels, but the {} {} has {}; they belong to different models",
      path, latents.size(0), model.decoder ? "decoder" : "VAE", DecoderPath(model),
      LatentChannels(DecoderOf(model)));
  VideoGeometry geometry = GeometryOfLatents(*file, latents, VaeOf(model));
  if (last_frame) {
    if (*last_frame < 1) FailUsage("`last-frame` {}: frames count from 1", *last_frame);
    if (*last_frame > geometry.frames)
      FailUsage("`last-frame` {}: {} decodes to {}", *last_frame, path,
                Counted(geometry.frames, "frame"));
    geometry.frames = *last_frame;
  }
  return {latents, geometry, FpsOfLatents(*file, model.defaults.fps),
          MetadataOfVideo(file->metadata(), model)};
}

}  // namespace t3
