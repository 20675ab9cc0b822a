// Training: t3 train.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/error.h"
#include "t3video/progress.h"
#include "t3video/ranks.h"

namespace t3 {

// What a training run does, known before it starts. Memory and disk in bytes.
struct TrainPlan {
  std::string task;     // "dit", "distill" or "vae"
  std::string base;     // file that the weights come from
  std::string trained;  // "all weights of the denoiser", "a LoRA of rank 32 on q, k, v, o", ...
  std::string output;
  std::string device;                               // "NVIDIA H200 (cuda:0)"
  std::string dtype;                                // of the computation: "bf16" or "fp32"
  int64_t trained_weights = 0, frozen_weights = 0;  // numbers, not bytes

  struct Size {
    int64_t width = 0, height = 0, frames = 0;
    int64_t clips = 0;   // that the data has; 0 when not known yet
    int64_t batch = 1;   // clips of a forward
    int64_t tokens = 0;  // of a clip; 0 for a VAE
  };
  std::vector<Size> sizes;
  std::string attention;  // "t3, windows 2,1,1;1,2,2"; "" for a VAE

  int64_t steps = 0, accumulation = 1;
  int64_t ranks = 1;              // processes that share a step
  int64_t sequence_parallel = 1;  // of them, those that share a clip's tokens
  // On the rank that needs the most.
  int64_t weight_bytes = 0;      // weights, gradients, optimizer state, EMA: exact
  int64_t activation_bytes = 0;  // of the largest batch: an estimate; for a VAE a lower bound
  int64_t device_bytes = 0;      // free on the device now
  int64_t checkpoint_bytes = 0;  // of one checkpoint
  int64_t checkpoints_kept = 0;
  int64_t model_bytes = 0;       // of the model written, with parts that cannot be linked
  int64_t best_bytes = 0;        // of the best one, which gates choose, beside it; 0: none
  bool has_best = false;         // it is there from an earlier call, and is replaced
  int64_t free_disk_bytes = -1;  // at the output; -1: unknown
  // A folder that keeps rendered clips for the next call.
  struct Cache {
    std::string folder;
    int64_t bytes = 0;            // that it still takes
    int64_t free_bytes = -1;      // of its disk; -1: unknown
    bool on_output_disk = false;  // then it shares free_disk_bytes
  };
  std::vector<Cache> caches;
  std::optional<Error> refusal;    // why a run would end before its first step: memory or disk
  std::vector<std::string> notes;  // what may not be meant, and what to do
  // Estimates from a calibration of this machine (`t3 plan --calibrate`); absent without one.
  std::optional<double> step_seconds;
};

// Checks what Train checks before it loads weights: configuration, model, data, an existing
// checkpoint. Writes nothing. Throws Error as Train does. A dataset that is still to be made of
// videos is not made. `ranks`: processes that will share the training.
TrainPlan PlanTraining(const std::string& config, const std::vector<std::string>& overrides,
                       int64_t ranks = 1);

struct TrainResult {
  std::string output;  // folder of the model, its log, curves and checkpoints
  int64_t steps = 0;
  std::optional<double> loss;  // of the last step; absent where the log has lost it
};

// Trains as the file `config` says (docs/reference/training.md), with `overrides`
// ("field.name=value") over it, resuming from the newest checkpoint in its output folder.
// `announce` gets the plan before the work starts. With several `ranks` each process calls this:
// rank 0 trains, the others take their part of every step and return when it is done. Throws
// Error: kUsage for a wrong override, kInterrupted after `cancel` once the work is saved, kFailed
// for everything else, another training of the same output included.
TrainResult Train(const std::string& config, const std::vector<std::string>& overrides,
                  const ProgressFn& progress = {}, const CancelToken* cancel = nullptr,
                  const std::function<void(const TrainPlan& plan)>& announce = {},
                  const RankPlace& ranks = {});

}  // namespace t3
