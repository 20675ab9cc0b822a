// The tables of containers, codecs and encoders.
#include "media/ffmpeg/audio_target.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace t3 {
namespace {

constexpr AudioEncoding kAac{"aac", "AAC", AV_SAMPLE_FMT_FLTP, 0, 96'000};
constexpr AudioEncoding kOpus{"libopus", "Opus", AV_SAMPLE_FMT_FLT, 48'000, 80'000};

struct ContainerAudio {
  std::string_view container;
  const AudioEncoding* encoding;
  std::vector<AVCodecID> copied;  // empty: whatever FFmpeg writes into it
};

// FFmpeg writes more into MP4 and QuickTime, such as Vorbis, which players do not read there.
const ContainerAudio* Find(std::string_view container) {
  static const std::vector<ContainerAudio> table{
      {"mp4",
       &kAac,
       {AV_CODEC_ID_AAC, AV_CODEC_ID_MP3, AV_CODEC_ID_AC3, AV_CODEC_ID_EAC3, AV_CODEC_ID_ALAC,
        AV_CODEC_ID_FLAC, AV_CODEC_ID_OPUS}},
      {"mov",
       &kAac,
       {AV_CODEC_ID_AAC, AV_CODEC_ID_MP3, AV_CODEC_ID_AC3, AV_CODEC_ID_EAC3, AV_CODEC_ID_ALAC,
        AV_CODEC_ID_PCM_S16LE, AV_CODEC_ID_PCM_S16BE, AV_CODEC_ID_PCM_S24LE,
        AV_CODEC_ID_PCM_S24BE}},
      {"webm", &kOpus, {AV_CODEC_ID_OPUS, AV_CODEC_ID_VORBIS}},
      {"matroska", &kOpus, {}}};
  const auto found = std::find_if(table.begin(), table.end(), [&](const ContainerAudio& row) {
    return row.container == container;
  });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

const AudioEncoding* EncodingFor(const AVOutputFormat& container) {
  const ContainerAudio* audio = Find(container.name);
  return audio == nullptr ? nullptr : audio->encoding;
}

bool IsCopied(AVCodecID codec, const AVOutputFormat& container) {
  const ContainerAudio* audio = Find(container.name);
  if (audio == nullptr || codec == AV_CODEC_ID_NONE ||
      avformat_query_codec(&container, codec, FF_COMPLIANCE_NORMAL) != 1) {
    return false;
  }
  const auto& copied = audio->copied;
  return copied.empty() || std::find(copied.begin(), copied.end(), codec) != copied.end();
}

}  // namespace t3
