// The inputs that a request names besides its prompts: image, source video, noise.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/image.h"
#include "media/video_source.h"
#include "plan/geometry.h"
#include "t3video/request.h"

namespace t3 {

// The picture, at its own size; nullopt where none is given. Throws Error for a file that cannot be
// read, of kind kUsage for pixels whose number is not that of the size.
std::optional<Image> ReadInputImage(const ImageInput& input);

// What the source video is, at its own frame rate or the request's; nullopt where none is given.
// Throws Error for a file that cannot be read.
std::optional<SourceInfo> ReadSourceInfo(const Request& request);

// The picture scaled and cropped to the padded size of `video`; nullopt without one.
std::optional<Image> ScaledImage(const std::optional<Image>& image, const VideoGeometry& video);

// Tensor `noise` of the file `path`, fp32. Throws Error where its shape is not `shape` (z,T,h,w),
// that of the latents of `video`.
at::Tensor ReadNoise(const std::string& path, const std::vector<int64_t>& shape,
                     const VideoGeometry& video);

}  // namespace t3
