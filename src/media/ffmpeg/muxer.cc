// Muxing with libavformat.
#include "media/ffmpeg/muxer.h"

#include <new>
#include <string_view>

#include "base/check.h"
#include "media/ffmpeg/decode_process.h"

namespace t3 {
namespace {

int OnOutput(void*) {
  KeepAlive();
  return 0;  // goes on
}

}  // namespace

const AVOutputFormat& FindContainer(const std::string& path) {
  const AVOutputFormat* container = av_guess_format(nullptr, path.c_str(), nullptr);
  if (container == nullptr) FailUsage("{}: FFmpeg here cannot write this kind of file", path);
  return *container;
}

Muxer::Muxer(const std::string& file, const AVOutputFormat& container) {
  // "file:" keeps FFmpeg from taking a colon in the name for a protocol.
  if (avformat_alloc_output_context2(&format_, &container, nullptr, ("file:" + file).c_str()) < 0) {
    throw std::bad_alloc();
  }
  format_->interrupt_callback.callback = OnOutput;
}

Muxer::~Muxer() {
  if (format_->pb != nullptr) avio_closep(&format_->pb);
  avformat_free_context(format_);
}

AVStream& Muxer::AddStream() {
  AVStream* stream = avformat_new_stream(format_, nullptr);
  if (stream == nullptr) throw std::bad_alloc();
  return *stream;
}

int Muxer::Start(const std::map<std::string, std::string>& metadata) {
  for (const auto& [key, value] : metadata) {
    av_dict_set(&format_->metadata, key.c_str(), value.c_str(), 0);
  }
  int code = avio_open2(&format_->pb, format_->url, AVIO_FLAG_WRITE, &format_->interrupt_callback,
                        nullptr);
  if (code < 0) return code;
  AVDictionary* options = nullptr;
  const std::string_view name = format_->oformat->name;
  if (name == "mp4" || name == "mov") {
    av_dict_set(&options, "movflags", "+faststart+use_metadata_tags", 0);
  }
  // Matroska's identifiers are otherwise random, and equal runs must give equal files.
  if (name == "matroska" || name == "webm") format_->flags |= AVFMT_FLAG_BITEXACT;
  // Sound may begin before time 0 by what its decoder drops. Pictures are not moved for that.
  format_->avoid_negative_ts = 0;
  if (name == "gif" || name == "webp") av_dict_set(&options, "loop", "0", 0);  // for ever
  code = avformat_write_header(format_, &options);
  av_dict_free(&options);
  return code < 0 ? code : WriteError();
}

int Muxer::Write(AVPacket* packet, const AVStream& stream, AVRational time_base) {
  packet->stream_index = stream.index;
  av_packet_rescale_ts(packet, time_base, stream.time_base);
  const int code = av_interleaved_write_frame(format_, packet);
  return code < 0 ? code : WriteError();
}

int Muxer::Finish() {
  const int code = av_write_trailer(format_);
  const int error = WriteError();
  const int closed = avio_closep(&format_->pb);
  return code < 0 ? code : error < 0 ? error : closed;
}

}  // namespace t3
