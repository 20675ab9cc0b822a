// Work on files and plans that needs no run of a model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/options.h"
#include "t3video/progress.h"

namespace t3 {

// Rewrites any supported weight file, or the denoiser of a folder or of "demo", as safetensors
// under original names; `output` ends with ".safetensors". dtype: "" keeps each tensor's (fp8, int8
// and GGUF's types become bf16), else "fp32", "fp16", "bf16" or, of a denoiser or a text encoder,
// "fp8": e4m3 with a scale per row for the large matrices, bf16 for the rest. `loras` are merged
// into a denoiser. Throws Error for a file that cannot be read or is incomplete, and when `output`
// exists and was not written by Convert, unless `overwrite`; kInterrupted after `cancel`, which
// leaves nothing.
void Convert(const std::string& input, const std::string& output, const std::string& dtype,
             const std::vector<Lora>& loras, const ProgressFn& progress = {},
             const CancelToken* cancel = nullptr, bool overwrite = false);

// Random weights in the official layout. `model`: a preset's name or a CONFIG.json
// (docs/reference/init.md); `dtype`: "bf16" or "fp32"; `output`: a folder. Throws Error of kind
// kUsage for an unknown preset or dtype, kFailed for a wrong configuration and a folder that cannot
// be written, kInterrupted after `cancel`; networks that were complete then stay.
void Init(const std::string& model, uint64_t seed, const std::string& dtype,
          const std::string& output, const ProgressFn& progress = {},
          const CancelToken* cancel = nullptr);

// Shares of the colours' variance that a fitted map explains, in clips that it was not fitted to.
struct PreviewFit {
  std::string file;     // that was written
  std::string source;   // of the clips: "drawn clips" or `pictures`
  double first_r2 = 0;  // of first latent frames
  double later_r2 = 0;  // of the others
};

// Fits the linear map from latents to colours that `Request::preview` uses to the model's own VAE,
// and writes it to `output`, or to preview.json in the model's folder. `pictures`: a video or a
// folder of PNG files, or "" for drawn ones. Throws Error when the file exists and is not such a
// map, unless `overwrite`.
PreviewFit FitPreview(const ModelFiles& files, const RunOptions& options,
                      const std::string& pictures, const std::string& output,
                      const ProgressFn& progress = {}, const CancelToken* cancel = nullptr,
                      bool overwrite = false);

// One thing that Doctor looked at.
struct Finding {
  std::string name;    // "GPU", "memory", "disk", ...
  std::string state;   // what was found
  std::string remedy;  // what to do about it; "" when all is well
  bool fatal = false;  // no video can be made until it is done
};

struct Health {
  std::vector<Finding> findings;
  bool good = true;  // nothing is fatal
};
// Looks at the machine: devices, libraries, memory, encoders, the disk of `folder`; and at the
// model where `folder` is one, or "demo". Writes 128 MB to the disk and removes them. What is wrong
// is a finding, not an error.
Health Doctor(const std::string& folder);

// One entry of a prompt file.
struct PromptEntry {
  int64_t number = 0;  // line of a text file, else position in the list, from 1
  std::string prompt;
  std::string error;  // why the entry cannot be used; the prompt is then empty
  // The entry's other fields, as options of `t3 generate` would be named ("negative-prompt" for the
  // field "negative_prompt") and given. Names that no option has are kept.
  std::vector<std::pair<std::string, std::string>> options;
};
// Reads UTF-8, or UTF-16 with a byte-order mark:
//   .json         a list of strings, or of objects with `prompt_en` or `prompt` and other fields
//                 (`number`, `seed`, `negative_prompt`, ...); or an object with such a list
//                 `prompts`
//   .jsonl        one such object per line
//   .csv .tsv     a header with a column `prompt_en` or `prompt`, and one entry per row
//   others        one prompt per line; empty lines and lines that begin with '#' are skipped
// Letters of either case count in names of fields and columns.
// Throws Error when the file cannot be read or has no entry.
std::vector<PromptEntry> ReadPromptFile(const std::string& path);

// Writes the first frame of a video as a PNG file `output`, at most `max_width` pixels wide; an
// existing file is replaced. Throws Error for a video that cannot be read.
void WriteThumbnail(const std::string& video, const std::string& output, int64_t max_width);

}  // namespace t3
