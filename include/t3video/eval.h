// Measuring a model on held-out scenes of the procedural world, and comparing two measurements.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/generation_params.h"
#include "t3video/options.h"
#include "t3video/progress.h"
#include "t3video/tools.h"

namespace t3 {

// Where the clips that are measured come from.
enum class EvalSource {
  kModel,  // made from the scenes' captions
  kTruth,  // true renders: what the measures themselves are worth. Needs no model
  kVae     // true renders, encoded and decoded
};

// An absent value is the model's, as in Request; for kTruth 256x144 and 17 frames.
struct EvalRequest {
  EvalSource source = EvalSource::kModel;
  int64_t clips = 100;
  uint64_t first_seed = 9'000'000;  // of the first held-out scene; the others follow
  GenerationParams params;
  uint64_t seed = 0;       // of the first clip's noise; the others follow
  int64_t batch = 0;       // clips denoised together; 0: on a GPU as many as keep it busy
  int64_t loss_clips = 0;  // held-out scenes whose flow-matching loss is measured
  // Size of clips that the model makes besides, of the same scenes from the same seeds: the detail
  // of the large ones is compared with these, enlarged by bicubic interpolation.
  std::optional<VideoSize> small_size;
  std::string json;        // file for all values, renewed while it runs; "": none
  std::string sheet;       // PNG file with a frame of the first clips; "": none
  bool overwrite = false;  // replace files there that are not an earlier measurement's
};

struct EvalResult {
  Report report;
  bool interrupted = false;  // the report covers what was done until then
};

// Makes the clips, reads each with the detector of the world and compares it with the true render
// of its scene (docs/guides/evaluate.md says what is measured). Throws Error of kind kUsage for a
// request that cannot be met, kInterrupted where `cancel` came before the first clip was done.
EvalResult Evaluate(const ModelFiles& files, const RunOptions& options, const EvalRequest& request,
                    const ProgressFn& progress = {}, const CancelToken* cancel = nullptr);

// By how much the measurement in the files `b` is better than that in `a`: for every measure the
// mean difference over the scenes in all, with its 95 % interval, and whether that lies above
// `margin`. Several files a side are one measurement repeated (models of several training seeds):
// a scene's value is its mean over them. Throws Error where a file is none of Evaluate's, the sides
// differ in their number of files or they share no scene.
Report CompareEvals(const std::vector<std::string>& a, const std::vector<std::string>& b,
                    std::optional<double> margin);

// A name and the files of one measurement, one for each training seed.
struct NamedEvals {
  std::string name;
  std::vector<std::string> files;
};

// Markdown. With `against` "": a table of every measure's mean, a column for each of `named`. Else
// for every measure of `margins` a table of how much better each is than that one, scene by scene,
// with the 95 % interval, the gain of every training seed where both sides have as many, and
// whether the interval lies above the margin. Throws Error where a file, a name or a measure is
// none.
std::string TabulateEvals(const std::vector<NamedEvals>& named, const std::string& against,
                          const std::vector<std::pair<std::string, double>>& margins);

}  // namespace t3
