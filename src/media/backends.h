// The implementations that video_writer, video_reader and image choose from; not for other folders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace t3 {

struct Image;
struct VideoSettings;
class VideoReader;
class VideoWriter;

std::unique_ptr<VideoWriter> OpenY4mWriter(const std::string& path, const VideoSettings& settings);
std::unique_ptr<VideoWriter> OpenFrameFolderWriter(const std::string& path,
                                                   const VideoSettings& settings);
std::unique_ptr<VideoWriter> OpenPngWriter(const std::string& path, const VideoSettings& settings);
std::unique_ptr<VideoReader> OpenY4mReader(const std::string& path);
std::unique_ptr<VideoReader> OpenFrameFolderReader(const std::string& path);
std::unique_ptr<VideoReader> OpenPngReader(const std::string& path);      // one frame
std::unique_ptr<VideoReader> OpenWebpReader(const std::string& path);     // needs FFmpeg at Read
std::unique_ptr<VideoReader> OpenPictureReader(const std::string& path);  // as ReadImage

// By ffmpeg/; in builds without FFmpeg by no_ffmpeg/, where each throws Error that says so.
std::unique_ptr<VideoWriter> OpenContainerWriter(const std::string& path,
                                                 const VideoSettings& settings);
// Decode in this process, for files that it has written itself, and in a child process.
std::unique_ptr<VideoReader> OpenContainerReader(const std::string& path);
std::unique_ptr<VideoReader> OpenIsolatedReader(const std::string& path);
// Whether a video holds sound, as far as FFmpeg opens it, in a child process; false without FFmpeg.
bool HasAudio(const std::string& path);
// A whole JPEG or WebP file, not turned, decoded in a child process. `path` is for messages.
// `alpha` (may be null) becomes (height, width), 255 being opaque, or empty where the picture has
// none.
Image DecodeCompressedImage(const std::string& path, std::span<const std::byte> bytes,
                            std::vector<uint8_t>* alpha = nullptr);

}  // namespace t3
