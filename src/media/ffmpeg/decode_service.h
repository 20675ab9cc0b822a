// Requests to a child process that decodes (decode_process.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "media/ffmpeg/decode_process.h"

namespace t3 {

enum class DecodeCommand : int {
  kOpen,       // a video
  kInfo,       // -> VideoInfo, see PackInfo
  kTimes,      // argument: otherwise_fps -> doubles
  kSeek,       // argument: index
  kRead,       // -> "" at the end; the frame is in shared memory
  kPlanAudio,  // data: an output's path -> see PlanAudioHere
  kAddAudio,   // data: texts, see AddAudioHere
  kImage,      // data: a file -> three int64, width, height and whether there is
               // alpha; pixels and alpha are in shared memory
  kClose,
};

// The use of a decoding process for one file. A process that has done its work is reused for the
// next file: a fork of a program with many gigabytes in memory takes long. So the process that
// examines a dataset, before networks are loaded, also decodes its clips.
class DecodeSession {
 public:
  explicit DecodeSession(std::string path);  // throws Error
  ~DecodeSession();
  DecodeSession(const DecodeSession&) = delete;
  DecodeSession& operator=(const DecodeSession&) = delete;

  // Throws Error that names the file.
  std::string Call(DecodeCommand command, double argument = 0, std::string_view data = {});
  SharedMemory& shared() { return process_->shared(); }

 private:
  std::string path_;
  std::unique_ptr<DecodeProcess> process_;
};

}  // namespace t3
