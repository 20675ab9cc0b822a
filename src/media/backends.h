// What video_writer, video_reader and image choose among; not for other folders.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "media/image.h"
#include "media/video_reader.h"
#include "media/video_writer.h"

namespace t3 {

std::unique_ptr<VideoWriter> OpenY4mWriter(const std::string& path, const VideoSettings& settings);
std::unique_ptr<VideoWriter> OpenFrameFolderWriter(const std::string& path,
                                                   const VideoSettings& settings);
std::unique_ptr<VideoReader> OpenY4mReader(const std::string& path);
std::unique_ptr<VideoReader> OpenFrameFolderReader(const std::string& path);

// By ffmpeg/; in builds without FFmpeg by no_ffmpeg/, where each throws Error that says so.
std::unique_ptr<VideoWriter> OpenContainerWriter(const std::string& path,
                                                 const VideoSettings& settings);
std::unique_ptr<VideoReader> OpenContainerReader(const std::string& path);
// A whole JPEG or WebP file, upright. `path` is for messages.
Image DecodeCompressedImage(const std::string& path, std::span<const std::byte> bytes);

}  // namespace t3
