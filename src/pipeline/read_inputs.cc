// Reading and checking the inputs.
#include "pipeline/read_inputs.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "loading/tensor_file.h"

namespace t3 {

std::optional<Image> ReadInputImage(const ImageInput& input) {
  if (input.empty()) return std::nullopt;
  if (!input.path.empty()) return ReadImage(input.path);
  const auto bytes = static_cast<int64_t>(input.rgb.size());
  if (input.width < 1 || input.height < 1 || input.height > bytes / input.width / 3 ||
      bytes != input.width * input.height * 3) {
    FailUsage("`image`: {} bytes of pixels were given for {}x{}; wanted 3 per pixel", bytes,
              input.width, input.height);
  }
  return Image{input.width, input.height, input.rgb};
}

std::optional<SourceInfo> ReadSourceInfo(const Request& request) {
  if (request.video.empty()) return std::nullopt;
  SourceOptions options;
  options.fps = request.output.fps.value_or(0);
  options.max_frames = std::max<int64_t>(request.params.frames.value_or(0), 0);
  return VideoSource(request.video, options).info();
}

std::optional<Image> ScaledImage(const std::optional<Image>& image, const VideoGeometry& video) {
  if (!image) return std::nullopt;
  return ResizeCover(*image, video.padded_width, video.padded_height);
}

at::Tensor ReadNoise(const std::string& path, const std::vector<int64_t>& shape,
                     const VideoGeometry& video) {
  const at::Tensor noise = ReadLatents(*WeightFile::Open(path, FileOrigin::kOwn), "noise");
  T3_CHECK(noise.sizes() == at::IntArrayRef(shape),
           "{}: tensor noise has shape ({}), wanted ({}) for {}x{}, {}", path,
           fmt::join(noise.sizes(), ","), fmt::join(shape, ","), video.padded_width,
           video.padded_height, Counted(video.frames, "frame"));
  return noise;
}

}  // namespace t3
