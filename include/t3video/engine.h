// Making videos: the library's main entrance.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/options.h"
#include "t3video/progress.h"
#include "t3video/request.h"
#include "t3video/tools.h"

namespace t3 {

// Outcome of one request among several: a result, or the error that ended it.
struct Outcome {
  Result result;
  std::exception_ptr error;
};

// Generates videos with one model. Files are opened and checked at construction; weights are loaded
// when a stage needs them and leave memory after it. Not for use from several threads at once.
class Engine {
 public:
  // Throws Error when files are missing, do not fit each other, or the device is not there.
  Engine(const ModelFiles& files, const RunOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // What Generate() would do, without doing it: checkpoint, video, windows, memory by stage against
  // what there is, and the expected time where `t3 plan --calibrate` measured this machine. Throws
  // Error for a request that cannot be planned; one that does not fit is described all the same.
  Report Describe(const Request& request) const;

  // Checks all that can be known before the work (sizes, files, memory, the output's encoder), then
  // encodes the text, denoises, decodes and writes. Throws Error; kInterrupted after `cancel`.
  Result Generate(const Request& request, const ProgressFn& progress = {},
                  const CancelToken* cancel = nullptr);

  // Several requests: every text is encoded before the first is denoised, so each network is loaded
  // once. A request that fails does not stop the others; cancelling does. `finished` hears of each
  // outcome as it is known.
  using FinishedFn = std::function<void(size_t index, const Outcome& outcome)>;
  std::vector<Outcome> GenerateAll(std::span<const Request> requests,
                                   const ProgressFn& progress = {},
                                   const CancelToken* cancel = nullptr,
                                   const FinishedFn& finished = {});

  // Writes tensors `prompt`, `negative_prompt` (tokens, width), `prompt.ids`, `negative_prompt.ids`
  // as safetensors. An absent negative prompt is the model's own.
  void EncodeText(const std::string& prompt, const std::optional<std::string>& negative_prompt,
                  const std::string& output, const ProgressFn& progress = {},
                  const CancelToken* cancel = nullptr);

  // Decodes a latents file (tensor `latents`, (z,T,h,w), a leading 1 allowed). fps 0: what the file
  // says, else the model's.
  Result Decode(const std::string& latents, const std::string& output, double fps,
                const FileOptions& file, const ProgressFn& progress = {},
                const CancelToken* cancel = nullptr);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace t3
