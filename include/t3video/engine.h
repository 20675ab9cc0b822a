// Making videos: the library's main entrance.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/options.h"
#include "t3video/plan.h"
#include "t3video/progress.h"
#include "t3video/request.h"

namespace t3 {

// Outcome of one request among several: a result, or the error that ended it.
struct Outcome {
  Result result;
  std::exception_ptr error;
};

// Generates videos with one model. Files are opened and checked at construction; weights are loaded
// when a stage needs them and freed after it. Not for use from several threads at once.
class Engine {
 public:
  // Throws Error when files are missing, do not fit each other, or the device does not exist.
  Engine(const ModelFiles& files, const RunOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Of the ranks of `options` the one that plans and runs; the others have nothing to do but Serve.
  bool leads() const;
  // Takes part in what rank 0's engine runs, until that is destroyed. Throws Error for what this
  // rank could not do.
  void Serve();

  // Decides everything that the request leaves open, reads its inputs, and checks all that can be
  // known before the work: sizes, files, memory, the output's encoder, the state of an earlier run.
  // Writes nothing. Throws Error for a request that cannot be run; where only memory is missing the
  // plan says so in `refusal`.
  RunPlan Plan(const Request& request);

  // Encodes the text, denoises, decodes and writes. Throws Error; kInterrupted after `cancel`.
  Result Run(const RunPlan& plan, const ProgressFn& progress = {},
             const CancelToken* cancel = nullptr);

  // Run(Plan(request)).
  Result Generate(const Request& request, const ProgressFn& progress = {},
                  const CancelToken* cancel = nullptr);

  // Several plans: every text is encoded before the first video is denoised, so each network is
  // loaded once. A plan that fails does not stop the others; cancelling does. `finished` receives
  // each outcome as it is known.
  using FinishedFn = std::function<void(size_t index, const Outcome& outcome)>;
  std::vector<Outcome> RunAll(std::span<const RunPlan> plans, const ProgressFn& progress = {},
                              const CancelToken* cancel = nullptr, const FinishedFn& finished = {});

  // The same from requests; one that cannot be planned has the error in its outcome.
  std::vector<Outcome> GenerateAll(std::span<const Request> requests,
                                   const ProgressFn& progress = {},
                                   const CancelToken* cancel = nullptr,
                                   const FinishedFn& finished = {});

  // Writes tensors `prompt`, `negative_prompt` (tokens, width), fp32 or bf16 as the run computes,
  // and `prompt.ids`, `negative_prompt.ids` (tokens) int32 as safetensors. An absent negative
  // prompt is the model's own. Throws Error when `output` exists and is not such a file, unless
  // `overwrite`; kInterrupted after `cancel`.
  void EncodeText(const std::string& prompt, const std::optional<std::string>& negative_prompt,
                  const std::string& output, const ProgressFn& progress = {},
                  const CancelToken* cancel = nullptr, bool overwrite = false);

  // Decodes a latents file (tensor `latents`, (z,T,h,w) of any float dtype, a leading 1 allowed).
  // An absent fps is what the file says, else the model's. Of `output` save_latents is not used.
  // Throws Error for latents of another model and values that are not finite, where memory or the
  // disk is too small, and where `output` would replace another file; kInterrupted after `cancel`.
  Result Decode(const std::string& latents, const OutputOptions& output,
                const ProgressFn& progress = {}, const CancelToken* cancel = nullptr);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace t3
