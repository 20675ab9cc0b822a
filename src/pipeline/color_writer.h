// Frames on their way to a file take the low frequencies of a source clip.
#pragma once

#include <memory>

#include "media/video_writer.h"
#include "pipeline/source_clip.h"
#include "plan/geometry.h"

namespace t3 {

// A writer that matches each frame with the same frame of `colors`, a clip of the generated size,
// cropped as `geometry` is, and passes it on to `writer`.
std::unique_ptr<VideoWriter> MatchingWriter(std::unique_ptr<VideoWriter> writer,
                                            std::shared_ptr<const SourceClip> colors,
                                            const VideoGeometry& geometry);

}  // namespace t3
