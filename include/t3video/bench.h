// Measuring the program on this machine, compared with the published algorithm and full attention.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "t3video/attention.h"
#include "t3video/cancel.h"
#include "t3video/convolution_counts.h"
#include "t3video/options.h"
#include "t3video/progress.h"
#include "t3video/request.h"

namespace t3 {

// Random weights of a preset's sizes. Every number is a median of `repeats` runs; what is compared
// runs in the same process, before timing each result is checked against the published algorithm's.
// A CPU gets a small size and few runs unless others are given. The error of an interruption
// (kInterrupted) says what had been measured.
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
  // BenchDit in fp8: forwards, blocks and products in bf16 beside those in fp8. Without them, which
  // takes `compare` false, memory holds no weights in bf16 that a run in fp8 does not have.
  bool bf16 = true;
  // A file of plans to use; with `save` what timing finds for other shapes is added to it.
  std::string plans;  // empty: none is known
  bool save = false;
};

// What was measured and where.
struct BenchSetup {
  std::string preset;
  int64_t width = 0;  // pixels
  int64_t height = 0;
  int64_t frames = 0;
  int64_t tokens = 0;
  std::string device;  // "cpu", "cuda:0"
  ComputeDtype dtype = ComputeDtype::kFp32;
  double product_rate = 0;  // FLOP/s of a large matrix product, before the runs
};

// The attention or the block of one layer type. Times are medians in milliseconds, absent if not
// measured.
struct LayerBench {
  WindowCounts windows;
  int64_t layers = 0;  // of the model, that have these windows
  double ms = 0;
  double flop = 0;
  std::optional<double> published_ms = {};
  std::optional<double> distance = {};  // relative L2, from the published algorithm's result
  std::string note = {};                // why a comparison is missing; or empty
  // In fp8: the same in bf16, and the relative L2 of what both add to x from fp32's.
  std::optional<double> bf16_ms = {};
  std::optional<double> fp32_distance = {};
  std::optional<double> bf16_fp32_distance = {};
  double tflops() const { return flop / (ms / 1000) / 1e12; }
};

// Full attention of all tokens, measured on some of the heads.
struct FullAttentionBench {
  double head_ms = 0;  // of one head
  int64_t measured_heads = 0;
  int64_t heads = 0;  // of a layer
};

// Scopes with their milliseconds on the device, in the order of their first use.
using BenchProfile = std::vector<std::pair<std::string, double>>;

// A product of a block on some tokens, in bf16 and of e4m3 codes: median milliseconds, and relative
// L2 from fp32.
struct ProductBench {
  std::string layer;  // "self_attn.q, k, v"
  int64_t tokens = 0;
  int64_t in = 0;
  int64_t out = 0;
  double bf16_ms = 0;
  double fp8_ms = 0;
  double bf16_distance = 0;
  double fp8_distance = 0;
};

// The same forwards in bf16, each run after one in fp8.
struct Bf16Forwards {
  std::vector<double> runs_ms;
  double forward_ms = 0;  // their median
  BenchProfile profile;
};

struct DitBenchResult {
  BenchSetup setup;
  std::vector<double> runs_ms;  // of every forward
  double forward_ms = 0;        // their median
  double flop = 0;              // of one forward
  double host_ms = 0;           // until the host has launched a forward
  double product_rate = 0;      // FLOP/s of the large product right after the forwards
  int64_t peak_bytes = 0;       // of the allocator, less the bf16 form of fp8 weights; 0 on the CPU
  BenchProfile profile;         // of one forward
  std::vector<LayerBench> blocks;
  std::optional<Bf16Forwards> bf16;            // in fp8 beside bf16
  std::vector<ProductBench> products;          // in fp8 beside bf16
  std::optional<double> published_forward_ms;  // the sum of the published blocks
  std::optional<FullAttentionBench> full_attention;
  // This forward with the window attention's time replaced by full attention's.
  std::optional<double> full_attention_forward_ms;
  std::vector<std::string> attention_plans;  // cuDNN's, chosen by the autotuner: a line per shape
};

// One forward of the denoiser: time, TFLOP/s, memory, parts, and blocks by layer type. Throws Error
// of kind kUsage for values that cannot be measured, kFailed where memory is too small or a result
// is further from the published algorithm's than rounding explains, kInterrupted after `cancel`.
DitBenchResult BenchDit(const BenchRequest& request, const ProgressFn& progress = {},
                        const CancelToken* cancel = nullptr);

struct AttentionBenchResult {
  BenchSetup setup;
  std::vector<LayerBench> layers;
  std::optional<FullAttentionBench> full_attention;
  std::vector<std::string> attention_plans;
};

// The self-attention of one layer of each type, from projected q, k, v to the mean of the windows.
// Throws Error as BenchDit does.
AttentionBenchResult BenchAttention(const BenchRequest& request, const ProgressFn& progress = {},
                                    const CancelToken* cancel = nullptr);

// Decoding random latents with a preset's VAE and random weights, or with a file's VAE or TAEHV,
// one method after the other:
//   planned  this project's decoder, by a plan within the memory limit;
//   plain    its reference over libtorch: whole frames, one latent frame at a time;
//   tiled    the published method: 7x7 overlapping tiles, each decoded alone, blended on the host.
struct VaeBenchRequest {
  std::string preset = "wan2.1-1.3b";
  std::string vae;     // file of a VAE or TAEHV in place of the preset's with random weights
  RunOptions options;  // memory_limit: weights and context included
  // absent: 3840x2176 with 81 frames on a GPU, 256x144 with 17 on a CPU
  std::optional<int64_t> width, height, frames;
  int64_t repeats = 1;  // runs of each method; the first includes what libraries prepare
  std::vector<std::string> methods =
      {};  // empty: all three; of a TAEHV, which has no others, planned
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

struct DecodeMethodResult {
  std::string method;           // "planned", "plain", "tiled"
  std::vector<double> seconds;  // of each run; scaled to the whole video if only a part was run;
                                // empty: out of memory
  int64_t peak_bytes = 0;       // of the device's allocator, weights included
  int64_t host_peak_bytes = 0;  // of the process
  std::string note;             // how the method worked, or that memory ran out
  std::string part;             // which part was run and how its time was scaled; empty: the whole
  std::optional<double> difference;  // maximum absolute difference from "planned"; absent: unknown
};

struct VaeBenchResult {
  std::string preset;   // "": a file's network
  std::string decoder;  // its name
  int64_t width = 0;    // pixels, as decoded
  int64_t height = 0;
  int64_t frames = 0;
  std::string device;
  ComputeDtype dtype = ComputeDtype::kFp32;
  double decode_macs = 0;  // multiply-accumulates of an untiled decode
  std::vector<DecodeMethodResult> methods;
  ConvolutionCounts convolutions;
  std::optional<ConvolutionCheck> check;  // where the request asks for it
  BenchProfile profile;                   // of one more decode, where the request asks for it
};

// Seconds, rate and memory of each method, with the differences of their videos where those are
// small enough to compare (1 GB). A method that runs out of memory says so in `note`. Throws Error
// for values that cannot be measured, kInterrupted after `cancel`.
VaeBenchResult BenchVae(const VaeBenchRequest& request, const ProgressFn& progress = {},
                        const CancelToken* cancel = nullptr);

// Encoding a moving picture with the VAE of a model, or of a preset with random weights, as a clip
// to refine is encoded, by a plan within the memory limit.
struct EncodeBenchRequest {
  std::string preset = "wan2.1-1.3b";
  ModelFiles files;  // without `model`: the preset
  RunOptions options;
  std::optional<int64_t> width, height, frames;  // absent: 3840x2176x81; on a CPU 256x144x17
  int64_t repeats = 2;
  bool compare = true;  // in fp32 as well
  bool parts = false;   // encode once more and report where the time goes
};

struct EncodeMethodResult {
  ComputeDtype dtype = ComputeDtype::kFp32;
  std::vector<double> seconds;          // of each run; empty: out of memory
  int64_t peak_bytes = 0;               // of the device's allocator, weights included
  std::string note;                     // the plan, or that memory ran out
  std::optional<double> distance = {};  // relative L2 of the latents from those in fp32
};

struct EncodeBenchResult {
  std::string encoder;  // its name
  int64_t width = 0;    // pixels
  int64_t height = 0;
  int64_t frames = 0;
  std::string device;
  double encode_macs = 0;  // multiply-accumulates in one slab
  std::vector<EncodeMethodResult> methods;
  ConvolutionCounts convolutions;
  BenchProfile profile;  // of one more encode, where the request asks for it
};

// Throws Error for values that cannot be measured, kInterrupted after `cancel`.
EncodeBenchResult BenchEncode(const EncodeBenchRequest& request, const ProgressFn& progress = {},
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

// Minimum seconds of the runs.
struct FileBenchResult {
  int64_t width = 0;  // pixels
  int64_t height = 0;
  int64_t frames = 0;
  std::string device;
  int64_t decoder_cores = 0;  // 0: the decoder ran on a GPU, the encoder on all cores
  int64_t encoder_cores = 0;
  double decoder_seconds = 0;
  double encoder_seconds = 0;
  double together_seconds = 0;
  double waited_seconds = 0;  // of `together_seconds`: the decoder waited for the encoder
  // Of both together to the slower of the two alone.
  double ratio() const {
    return together_seconds /
           (decoder_seconds > encoder_seconds ? decoder_seconds : encoder_seconds);
  }
};

// Seconds of each and of both together over the slower of the two. The decoded frames are held in
// host memory for the encoder alone. On the CPU decoder and encoder get half of the cores each, in
// every run, so that they could overlap as those of a GPU and its host do; on a GPU the encoder has
// all cores. Throws Error as Engine::Decode does, of kind kUsage also for an output without an
// encoder.
FileBenchResult BenchFile(const FileBenchRequest& request, const ProgressFn& progress = {},
                          const CancelToken* cancel = nullptr);

}  // namespace t3
