// Work on files and plans that needs no run of a model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/options.h"
#include "t3video/progress.h"

namespace t3 {

// The same facts for people and for programs.
struct Report {
  std::string text;      // lines, each ended by '\n'
  std::string json;      // one object
  bool complete = true;  // of Inspect: whether all of it can be used
};

// What would be done for a size. The model is `preset` ("wan2.1-1.3b", ...) or the folder/files.
struct PlanRequest {
  std::string preset;
  ModelFiles files;
  std::optional<int64_t> width, height, frames;  // absent: the model's
  std::string attention = "auto";
  std::string windows;
  std::string dtype;  // bf16 | fp32; empty: memory for bf16, speed for what `device` runs by itself
  std::string device = "auto";
  bool calibrate = false;    // measure the machine with this model first; needs its files
  int64_t memory_limit = 0;  // bytes on the device that the run is planned for; 0: no limit
};
Report Plan(const PlanRequest& request, const ProgressFn& progress = {});

// What a weight file is, and whether it is complete; or the same of every network of a model's
// folder or of "demo". Throws Error when it cannot be read.
Report Inspect(const std::string& path);

// Rewrites any supported weight file, or the denoiser of a folder or of "demo", as safetensors
// under original names. dtype: "" keeps each tensor's (fp8 becomes bf16), else "fp32", "fp16" or
// "bf16". Leaves nothing when it is cancelled.
void Convert(const std::string& input, const std::string& output, const std::string& dtype,
             const std::vector<Lora>& loras, const ProgressFn& progress = {},
             const CancelToken* cancel = nullptr);

// Random weights in the official layout. `model`: a preset's name or a CONFIG.json (docs/init.md).
// The networks that were complete stay when it is cancelled.
void Init(const std::string& model, uint64_t seed, const std::string& dtype,
          const std::string& output, const ProgressFn& progress = {},
          const CancelToken* cancel = nullptr);

// Fits the linear map from latents to colours that `Request::preview` uses to the model's own VAE,
// and writes it to `output`, or to preview.json in the model's folder. `pictures`: a video or a
// folder of PNG files, or "" for drawn ones.
Report FitPreview(const ModelFiles& files, const RunOptions& options, const std::string& pictures,
                  const std::string& output, const ProgressFn& progress = {});

// Looks at the machine: devices, libraries, encoders, disk of `folder`, memory; and what to mend.
struct Health {
  Report report;
  bool good = true;  // nothing has to be mended before videos can be made
};
Health Doctor(const std::string& folder);

// One entry of a prompt file; `error` says why an entry cannot be used (its prompt is then empty).
struct PromptEntry {
  int64_t number = 0;  // line of a text file, or position in a JSON list, from 1
  std::string prompt;
  std::string error;
};
// JSON (a list of strings, or of objects with `prompt_en` or `prompt` and perhaps a `number`) or
// text, a prompt a line; empty lines and lines that begin with '#' are passed over. Throws Error
// when nothing can be read.
std::vector<PromptEntry> ReadPromptFile(const std::string& path);

}  // namespace t3
