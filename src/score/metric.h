// The interface of a metric: it is opened once for a set, and takes the frames of each clip as they
// are decoded.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "t3video/options.h"
#include "t3video/score.h"

namespace t3 {

// Row-major pictures of one frame, not owned; they are valid during ClipMetric::Add only.
struct ScoreFrame {
  int64_t index = 0;            // from 0
  int64_t width = 0;            // pixels
  int64_t height = 0;           // pixels
  const float* rgb = nullptr;   // (3,height,width), -1 to 1
  const float* luma = nullptr;  // (height,width): 255 (0.2126 R + 0.7152 G + 0.0722 B), 0 to 255
  // The same of the reference clip's frame of that index; null where the clip has no reference.
  const float* reference_rgb = nullptr;
  const float* reference_luma = nullptr;

  int64_t pixels() const { return width * height; }
};

// What is known of a clip before its first frame.
struct ClipInfo {
  std::string path = {};
  int64_t width = 0;   // of every frame
  int64_t height = 0;  // of every frame
  int64_t frames = 0;  // exactly as many calls of Add follow
  double fps = 0;
  std::string prompt = {};     // for metrics that need one
  std::string reference = {};  // path of the reference clip, for metrics that need one
};

// A value of the clip and the metric's name in the table.
using MetricValues = std::vector<std::pair<std::string_view, double>>;

// The metrics of one group for one clip. Memory does not grow with the number of frames by more
// than some numbers a frame: whole frames that are kept are reduced first.
class ClipMetric {
 public:
  virtual ~ClipMetric() = default;
  // The frames in order, each once. Throws Error where the frame cannot be measured. Calls for one
  // clip come one after the other, but not all from one thread.
  virtual void Add(const ScoreFrame& frame) = 0;
  // After the last frame, once. A value that the clip does not have (motion of one frame) is
  // absent. Throws Error that says why where the clip cannot be measured at all (too few frames).
  virtual MetricValues Finish() = 0;
};

// A group of metrics, opened: holds the networks and tables that all clips share.
class Metric {
 public:
  virtual ~Metric() = default;
  // Throws Error of kind kUsage where the metric is not defined for the clip (its size, its length,
  // a prompt that it cannot use): reported as a gap, not as a failure.
  virtual std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) = 0;
};

// What the user gave for a group.
struct MetricSetup {
  std::string weights = {};  // file; of `weights` NAME=FILE. "" for groups without
  std::string program = {};  // path of the program that the group runs; "" for groups without
  RunOptions options = {};   // device and memory
  // Every file of `weights`, by name: for groups that share a network.
  std::map<std::string, std::string> all_weights = {};
};

// A row of the table of groups.
struct MetricGroup {
  std::string_view name;
  int version = 1;  // grows when values change: finished clips are then scored again
  std::span<const ScoreMetric> metrics;  // all of this group, all with the same needs
  // Throws Error that names the file for weights that are not this network's.
  std::unique_ptr<Metric> (*open)(const MetricSetup& setup) = nullptr;

  const MetricNeeds& needs() const { return metrics.front().needs; }
};

// The parts of the table. Each is in a file of its own beside its metrics.
std::span<const MetricGroup> FrameMetricGroups();      // frames alone
std::span<const MetricGroup> ReferenceMetricGroups();  // a reference clip
std::span<const MetricGroup> WorldMetricGroups();    // captions of the synthetic world: score/world
std::span<const MetricGroup> NetworkMetricGroups();  // networks of the user's files: score/networks

}  // namespace t3
