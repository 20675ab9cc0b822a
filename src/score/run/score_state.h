// Finished work of earlier runs: JSON lines that are appended clip by clip.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/output_lock.h"
#include "t3video/score.h"

namespace t3 {

// Values of one group for one clip, or why the clip has none.
struct KeptGroup {
  std::map<std::string, double> values;
  std::string gap;
};

// What is known of a clip that was decoded.
struct KeptClip {
  int64_t width = 0, height = 0, frames = 0;
  double fps = 0;
  std::string thumbnail;  // PNG
};

class ScoreState {
 public:
  // Reads `path` where it exists; "" keeps nothing. A line that was cut short is ignored. Throws
  // Error where another process uses it, it is another file, or it cannot be written.
  explicit ScoreState(const std::string& path);

  // Keys are digests of all that decides the value.
  std::optional<KeptGroup> FindGroup(const std::string& key) const;
  std::optional<KeptClip> FindClip(const std::string& key) const;
  void KeepGroup(const std::string& key, const KeptGroup& group);
  void KeepClip(const std::string& key, const KeptClip& clip);

 private:
  void Read();
  void Append(const std::string& line);

  std::string path_;
  std::unique_ptr<OutputLock> lock_;
  std::map<std::string, KeptGroup> groups_;
  std::map<std::string, KeptClip> clips_;
};

}  // namespace t3
