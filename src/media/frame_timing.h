// From the times of a video's frames to a constant frame rate.
#pragma once

#include <cstdint>
#include <vector>

namespace t3 {

inline constexpr double kPictureFps = 24;  // of pictures, which have no rate of their own

// The rate at which a video shows its frames.
struct FrameTiming {
  double fps = 0;        // as written in files: 30000/1001 and the like are exact
  bool constant = true;  // frame i is the one nearest to i / fps, for every i
  double mean_fps = 0;   // measured; 0 for one frame
};

// `times`: when each frame is shown, in seconds from 0, ascending, not empty. `nominal_fps`: what
// the container says, or 0.
//   A constant rate is the nominal one where the times agree with it, otherwise the mean, or the
// standard rate within 1 % of either.
//   A variable rate is that of the median interval, or the mean where frames come more than a
// quarter slower than that.
//   One frame: the nominal rate, or 24.
// Throws Error when times span more than a million seconds, or rates are outside 0.001 to 1000.
FrameTiming TimingOf(const std::vector<double>& times, double nominal_fps);

// How many frames at `fps` show the video from `start` (seconds) to its end, >= 1; the last frame
// is shown for one interval of `timing`. Throws Error of kind kUsage when it ends before `start`.
int64_t FramesAtRate(const std::vector<double>& times, const FrameTiming& timing, double start,
                     double fps);

// Index of the frame nearest in time; halfway between two, the earlier.
int64_t NearestFrame(const std::vector<double>& times, double time);

}  // namespace t3
