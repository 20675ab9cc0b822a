// Sound from a source's file, handled in a decoding process.
#pragma once

#include <map>
#include <string>

namespace t3 {

struct AudioPlan {
  bool carried = false;
  std::string note;  // what the user should know: encoded again, or left out and why; or empty
};

// What will become of the sound of `source` in the file `output`. A source without sound is not
// carried and needs no note. Does not throw for bad sources: they are left out.
AudioPlan PlanAudioOf(const std::string& source, const std::string& output);

struct AudioJob {
  std::string silent;    // the finished video, of the container that the output's name means
  std::string combined;  // is overwritten
  double start = 0;      // seconds of the source's picture at which its sound begins
  double seconds = 0;    // of the finished video
  std::map<std::string, std::string> metadata;  // of the combined file
};

// Writes the packets of job.silent with the sound of `source` to job.combined. Throws Error.
void AddAudio(const std::string& source, const std::string& output, const AudioJob& job);

}  // namespace t3
