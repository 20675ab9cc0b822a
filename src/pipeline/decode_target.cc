// What a target is checked for, and the writer of its frames.
#include "pipeline/decode_target.h"

#include <filesystem>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"

namespace t3 {
namespace {

// Frames to a function of the caller's.
class SinkWriter : public VideoWriter {
 public:
  explicit SinkWriter(const FrameSink& sink) : sink_(sink) {}
  void Write(const FrameView& frame) override {
    const auto values = static_cast<size_t>(3 * frame.height * frame.width);
    sink_({index_++, frame.width, frame.height, {frame.planes[0], values}});
  }
  void Finish() override {}

 private:
  const FrameSink& sink_;
  int64_t index_ = 0;
};

}  // namespace

void CheckFps(double fps) {
  constexpr double kMaxFps = 1000;
  if (!(fps > 0 && fps <= kMaxFps))
    FailUsage("`fps` {} is not above 0 and at most {}", fps, kMaxFps);
}

std::vector<std::string> CheckDecodeTarget(const DecodeTarget& target) {
  const OutputOptions& output = target.output;
  CheckFps(target.fps);
  if (output.path.empty() && !output.sink)
    FailUsage("there is no `output`: name a file, or give a sink for frames");
  if (!output.path.empty() && output.sink)
    FailUsage("`output` {} was given with a sink for frames; give one of the two", output.path);
  if (output.sink) return {};
  if (IsTensorFile(output.path)) {
    const AtomicFile writable(output.path);
    return {};
  }
  return CheckVideoTarget(output.path, SettingsOf(target));
}

VideoSettings SettingsOf(const DecodeTarget& target) {
  VideoSettings settings;
  settings.width = target.geometry.width;
  settings.height = target.geometry.height;
  settings.frames = target.geometry.frames;
  settings.fps = target.fps;
  settings.codec = target.output.file.codec;
  settings.crf = target.output.file.crf;
  settings.pixel_format = target.output.file.pixel_format;
  settings.audio_from = target.audio_from;
  // One entry that every container keeps: players show `comment`, programs parse it.
  if (!target.metadata.empty()) settings.metadata["comment"] = DumpJson(target.metadata);
  return settings;
}

std::unique_ptr<VideoWriter> OpenWriter(const DecodeTarget& target) {
  if (target.output.sink) return std::make_unique<SinkWriter>(target.output.sink);
  return OpenVideoWriter(target.output.path, SettingsOf(target));
}

std::string SpoolFolder(const std::string& output) {
  if (output.empty()) return std::filesystem::temp_directory_path();
  const auto folder = std::filesystem::absolute(output).lexically_normal();
  return (folder.has_filename() ? folder : folder.parent_path()).parent_path();
}

}  // namespace t3
