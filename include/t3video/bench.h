// Measuring the program on this machine, beside the published algorithm and full attention.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/options.h"
#include "t3video/progress.h"
#include "t3video/request.h"
#include "t3video/tools.h"

namespace t3 {

// Random weights of a preset's sizes. Every number is a median of `repeats` runs; what is compared
// runs in the same process, before timing each result is checked against the published algorithm's.
// A CPU gets a small size and few runs unless others are given.
struct BenchRequest {
  std::string preset = "wan2.1-1.3b-t3";
  // absent: the preset's on a GPU, 256x144 with 17 frames on a CPU
  std::optional<int64_t> width, height, frames;
  std::string windows;  // empty: the planner's
  std::string device = "auto";
  ComputeDtype dtype = ComputeDtype::kAuto;
  int64_t memory_limit = 0;        // bytes on the device; 0: all of it
  std::optional<int64_t> repeats;  // absent: 20 on a GPU, 3 on a CPU
  bool compare = true;             // with the published algorithm and full attention
};

// One forward of the denoiser: time, TFLOP/s, memory, parts, and blocks by layer type.
Report BenchDit(const BenchRequest& request, const ProgressFn& progress = {},
                const CancelToken* cancel = nullptr);

// The self-attention of one layer of each type, from projected q, k, v to the mean of the windows.
Report BenchAttention(const BenchRequest& request, const ProgressFn& progress = {},
                      const CancelToken* cancel = nullptr);

// Decoding random latents with a preset's VAE and random weights, one method after the other:
//   planned  this project's decoder, by a plan within the memory limit;
//   plain    its reference over libtorch: whole frames, one latent frame at a time;
//   tiled    the published method: 7x7 overlapping tiles, each decoded alone, blended on the host.
struct VaeBenchRequest {
  std::string preset = "wan2.1-1.3b";
  RunOptions options;  // memory_limit: weights and context included
  // absent: 3840x2176 with 81 frames on a GPU, 256x144 with 17 on a CPU
  std::optional<int64_t> width, height, frames;
  int64_t repeats = 1;  // runs of each method; the first includes what libraries prepare
  std::vector<std::string> methods = {"planned", "plain", "tiled"};
  // Run only a part of the slow methods and scale its time, as the report says; 0: all.
  int64_t tiles = 0;         // of the published 49, spread evenly, scaled by their area
  int64_t plain_frames = 0;  // of the plain method, scaled by their work
  // bf16 on a GPU: plans that are timed for each convolution that `plans` does not name; 1: cuDNN's
  // first, 0: libtorch's convolutions, whatever `plans` names.
  int64_t cudnn_choices = 4;
  std::string plans;   // file of convolution plans, read first; empty: none
  bool save = false;   // what timing found is added to `plans`
  bool parts = false;  // after timing, decodes once more and says where the time goes
  bool check = false;  // before timing, every convolution of a short decode against libtorch's
};

// Seconds, rate and memory of each method, with the differences of their videos where those are
// small enough to be kept (1 GB). A method that runs out of memory is reported so. Throws Error for
// values that cannot be measured, kInterrupted after `cancel`.
Report BenchVae(const VaeBenchRequest& request, const ProgressFn& progress = {},
                const CancelToken* cancel = nullptr);

// Latents into a video file: the decoder alone, the encoder alone on the same frames, and both
// together as t3 decode runs them, one after the other in one process.
struct FileBenchRequest {
  ModelFiles files;
  RunOptions options;
  std::string latents;     // a file as t3 decode takes it
  std::string output;      // the video that the last run leaves
  bool overwrite = false;  // replace a file there that was not decoded from the same latents
  FileOptions file;
  int64_t repeats = 1;  // of the three; the best of each counts
};

// Seconds of each and of both together over the slower of the two. The decoded frames are held in
// host memory for the encoder alone. On the CPU decoder and encoder get half of the cores each, in
// every run, so that they could overlap as those of a GPU and its host do; on a GPU the encoder has
// all cores.
Report BenchFile(const FileBenchRequest& request, const ProgressFn& progress = {},
                 const CancelToken* cancel = nullptr);

}  // namespace t3
