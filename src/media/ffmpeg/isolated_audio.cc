// Requests about sound to a decoding process.
#include "media/ffmpeg/isolated_audio.h"

#include <fmt/format.h>

#include <vector>

#include "media/backends.h"
#include "media/ffmpeg/decode_service.h"
#include "media/ffmpeg/packed_texts.h"
#include "media/video_reader.h"
#include "t3video/error.h"

namespace t3 {

bool HasAudio(const std::string& path) {
  try {
    return VideoReader::Open(path)->info().has_audio;
  } catch (const Error&) {  // a picture
    return false;
  }
}

AudioPlan PlanAudioOf(const std::string& source, const std::string& output) {
  if (!HasAudio(source)) return {};
  try {
    const auto reply =
        UnpackTexts(DecodeSession(source).Call(DecodeCommand::kPlanAudio, 0, output));
    return {reply.at(0) == "carried", reply.at(1)};
  } catch (const Error& error) {
    return {false, fmt::format("the sound of {} is left out: {}", source, error.what())};
  }
}

void AddAudio(const std::string& source, const std::string& output, const AudioJob& job) {
  std::vector<std::string> texts{output, job.silent, job.combined, fmt::format("{}", job.start),
                                 fmt::format("{}", job.seconds)};
  for (const auto& [key, value] : job.metadata) texts.insert(texts.end(), {key, value});
  DecodeSession(source).Call(DecodeCommand::kAddAudio, 0, PackTexts(texts));
}

}  // namespace t3
