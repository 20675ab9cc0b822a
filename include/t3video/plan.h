// What a run will do, worked out before any weight is loaded: geometry, windows, memory, time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/error.h"
#include "t3video/generation_params.h"
#include "t3video/memory_outlook.h"
#include "t3video/options.h"
#include "t3video/progress.h"
#include "t3video/request.h"

namespace t3 {

struct VideoPlan {
  int64_t width = 0;  // pixels of the video that is written
  int64_t height = 0;
  int64_t frames = 0;
  double fps = 0;
  int64_t padded_width = 0;  // pixels that the model generates, never fewer; cropped at the end
  int64_t padded_height = 0;
  int64_t latent_channels = 0;
  Grid latent;  // T, h, w of the latents
  Grid grid;    // tokens: latents in patches of (1,2,2)
};

struct AttentionPlan {
  AttentionPattern pattern = AttentionPattern::kFull;
  AttentionPattern trained = AttentionPattern::kFull;
  bool trained_known = false;  // else full attention is a guess
  // Of T3 at this size where the pattern is full: for comparison, not used by the run.
  WindowCycle windows;
  std::string windows_source;  // "command line", "model", "planner 1" or "none"
};

// Expected times in seconds, from a calibration of this machine.
struct TimeOutlook {
  std::string measured;  // day of the calibration, "2026-11-24"
  double start = 0;      // once, in the first forward
  double forward = 0;    // one forward, one guidance branch
  double step = 0;       // one or two forwards
  double draft = 0;      // denoising and decoding the draft; 0 without one
  double encoding = 0;   // of the clip to refine; 0 without one
  double denoising = 0;  // all steps and the start
  double decoding = 0;   // 0 when latents are the output; without the file's encoder
  // Multiply-accumulates per second.
  double linear_rate = 0;
  double attention_rate = 0;
  double decode_rate = 0;
};

// The clip that is generated first and refined.
struct DraftPlan {
  std::string model;  // the denoiser's file
  std::vector<Lora> loras;
  VideoPlan video;
  AttentionPlan attention;
  int64_t steps = 0;
};

struct PlannedJob;

// A request with everything decided, checked and read. Engine::Plan makes it; Engine::Run takes it,
// once, with the same engine.
struct RunPlan {
  Request request;      // every absent value filled in
  std::string model;    // the denoiser's file
  std::string decoder;  // what decodes, "taew2_1.pth, TAEHV"; empty where latents are the output
  std::vector<Lora> loras;
  std::vector<std::string> lora_strengths;  // of each: "rank 16, alpha/rank 2"
  std::string device;                       // "cpu", "cuda:0"; of rank 0
  int64_t ranks = 1;                        // that share the run
  std::string split;                        // how, in words; empty for one
  std::string device_name;                  // "NVIDIA H200"
  ComputeDtype dtype = ComputeDtype::kFp32;
  VideoPlan video;
  AttentionPlan attention;
  int64_t steps = 0;     // denoising steps of the video, fewer than its schedule's at strength < 1
  int64_t segments = 1;  // that a clip longer than the model's is denoised in
  std::optional<DraftPlan> draft;
  MemoryOutlook memory;
  std::optional<TimeOutlook> time;  // absent where the machine is not calibrated for this model
  std::vector<std::string> notes;   // e.g. that the video will be cropped
  int64_t resumed_from = 0;         // steps that an earlier run has done
  bool finished = false;            // RecordOptions::skip_finished, and the record says so
  std::optional<Error> refusal;     // why Run refuses: memory
  std::shared_ptr<const PlannedJob> job;  // inputs and decisions, for the engine
};

// What a size would take. The model is `preset` ("wan2.1-1.3b", ...) or `files`.
struct PlanRequest {
  std::string preset;
  ModelFiles files;
  GenerationParams params;
  // kAuto: as the device would run it.
  ComputeDtype dtype = ComputeDtype::kAuto;
  // "auto": the machine's for `files`, a GPU for a preset.
  std::string device = "auto";
  bool calibrate = false;         // measure the machine with this model first; needs `files`
  int64_t memory_limit = 0;       // bytes on the device that the run is planned for; 0: no limit
  int64_t host_memory_limit = 0;  // bytes of the process on the host; 0: no limit
  int64_t gpus = 1;               // that share the run
};

// The windows of one entry of the cycle. Close and remote windows have the same lengths.
struct WindowLayout {
  WindowCounts counts;
  double mean_tokens = 0;
  int64_t smallest_tokens = 0;
  int64_t largest_tokens = 0;
  int64_t layers = 0;     // of the model, that have this entry
  bool coincide = false;  // close and remote windows are the same and computed once
};

// Multiply-accumulates of one forward, one guidance branch, and of decoding the video.
struct Work {
  double attention = 0;
  double t3_attention = 0;             // with T3 windows, whatever the pattern
  double t3_attention_uncombined = 0;  // with coinciding windows computed twice, as published
  double full_attention = 0;
  double linears = 0;
  double cross_attention = 0;
  double forward = 0;  // the sum, with the run's attention
  double decode = 0;
};

// How several GPUs would share a run: each way to split a step, the best first.
struct RankOutlook {
  struct Split {
    std::string name;            // "2 branches of guidance x 2 parts of the tokens"
    int64_t denoiser_bytes = 0;  // of a rank
    bool fits = true;
    double exchanged_bytes = 0;  // that a rank sends in a forward
    std::optional<double> step;  // seconds, where the machine is calibrated
  };
  int64_t ranks = 1;
  std::vector<Split> splits;
};

struct PlanResult {
  std::string model;    // the preset's name or the denoiser's file
  std::string decoder;  // what decodes: "VAE 2.1", "TAEHV"
  VideoPlan video;
  AttentionPlan attention;
  int planner_version = 0;
  std::vector<WindowLayout> layouts;  // of attention.windows
  Work work;
  std::string device;  // "cpu", "cuda:0", or "GPU" where a GPU is planned for that is not here
  std::string device_name;
  ComputeDtype dtype = ComputeDtype::kBf16;
  MemoryOutlook memory;
  RankOutlook ranks;
  // A clip to refine: the draft, or a source video where `strength` was given without one.
  std::optional<DraftPlan> draft;
  std::optional<double> strength;
  int64_t segments = 1;        // that a clip longer than the model's is denoised in
  int64_t steps = 0;           // of the video, that `time` counts
  int64_t schedule_steps = 0;  // of which these are run: all but at a strength below 1
  double guidance = 0;
  std::optional<TimeOutlook> time;
  std::vector<std::string> notes;  // those of a run, RunPlan::notes
};

// Throws Error of kind kUsage for what no model can generate, kInterrupted when `cancel` is set
// while the machine is measured.
PlanResult Plan(const PlanRequest& request, const ProgressFn& progress = {},
                const CancelToken* cancel = nullptr);

}  // namespace t3
