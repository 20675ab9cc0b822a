// Measuring a model on held-out scenes of the synthetic world, and comparing two measurements.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "t3video/attention_counts.h"
#include "t3video/cancel.h"
#include "t3video/generation_params.h"
#include "t3video/options.h"
#include "t3video/progress.h"
#include "t3video/statistics.h"

namespace t3 {

// Where the clips that are measured come from.
enum class EvalSource {
  kModel,  // generated from the scenes' captions
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

// A measure. docs/guides/evaluate.md says what each is.
struct MeasureKind {
  std::string_view name;   // in files: "loss"
  std::string_view label;  // for people: "validation loss"
  Better better = Better::kMore;
  bool share = false;  // 0 to 1, shown in percent
  int answers = 1;     // right or wrong ones of a clip, of which a share is the mean
};

struct EvalResult {
  std::string title;   // what was measured and how, in one line
  int64_t scenes = 0;  // that were measured
  std::vector<std::pair<MeasureKind, MeanInterval>> means;  // of measures that any scene has
  std::optional<double> forward_seconds;  // one forward of the denoiser, one guidance branch
  std::optional<double> attention_macs;   // multiply-accumulates of its self-attention
  // In fp8: how self-attention ran, by rising number of tokens; empty in other dtypes.
  std::vector<Fp8AttentionCount> fp8_attention;
  bool interrupted = false;    // the result covers what was done until then
  std::string unwritten = {};  // why `json` or `sheet` could not be written; "": they are
};

// Makes the clips, reads each with the detector of the world and compares it with the true render
// of its scene (docs/guides/evaluate.md says what is measured). Throws Error of kind kUsage for a
// request that cannot be met, kInterrupted where `cancel` came before the first clip was done.
// `note` is called before anything is loaded with what a run of these settings would note.
using EvalNoteFn = std::function<void(const std::string& note)>;
EvalResult Evaluate(const ModelFiles& files, const RunOptions& options, const EvalRequest& request,
                    const ProgressFn& progress = {}, const CancelToken* cancel = nullptr,
                    const EvalNoteFn& note = {});

struct MeasureGain {
  MeasureKind kind;
  double a = 0, b = 0;  // means over the scenes in both
  MeanInterval gain;    // of B over A, scene by scene; B - A where neither more nor less is better
  std::optional<bool> above_margin;  // the interval lies above the margin; absent without one
};

struct EvalComparison {
  std::string title_a, title_b;  // files with their sizes: "a.json (256x144x17)"
  std::vector<MeasureGain> measures;
};

// Reports how much better the measurement in the files `b` is than that in `a`, over the scenes in
// all of them, and whether the interval lies above `margin`. Several files a side are one
// measurement repeated (models of several training seeds): a scene's value is its mean over them.
// Throws Error where a file is not one of Evaluate's, the sides differ in their number of files or
// they share no scene.
EvalComparison CompareEvals(const std::vector<std::string>& a, const std::vector<std::string>& b,
                            std::optional<double> margin);

// A name and the files of one measurement, one for each training seed.
struct NamedEvals {
  std::string name;
  std::vector<std::string> files;
};

// One row of a table of means: a value for each measurement, absent where it lacks the measure.
struct MeansRow {
  MeasureKind kind;
  std::vector<std::optional<double>> means;
};

struct EvalTable {
  std::vector<std::string> names;
  std::vector<MeansRow> rows;  // of measures that any has
  std::vector<std::optional<double>> forward_seconds;
  std::vector<std::optional<double>> attention_macs;
};

// Every measure's mean, for each of `named`. Throws Error of kind kUsage where a name comes twice
// or has no file, Error where a file is not one of Evaluate's.
EvalTable TabulateEvals(const std::vector<NamedEvals>& named);

struct GainRow {
  std::string name;
  MeanInterval gain;            // over the reference, scene by scene
  std::vector<double> by_seed;  // of every training seed, where both sides have as many
  bool above_margin = false;
};

// How much better each measurement is than one of them, by one measure.
struct GainTable {
  MeasureKind kind;
  std::string against;
  double margin = 0;
  std::vector<GainRow> rows;  // of the others that have the measure
};

// One table for each of `margins`, a measure's name and its margin, against the measurement of that
// name. Throws Error of kind kUsage also where a name or a measure is unknown, or neither more nor
// less of the measure is better.
std::vector<GainTable> TabulateGains(const std::vector<NamedEvals>& named,
                                     const std::string& against,
                                     const std::vector<std::pair<std::string, double>>& margins);

}  // namespace t3
