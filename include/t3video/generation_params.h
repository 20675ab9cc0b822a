// How a video is generated: size, sampling and attention. Shared by every request that denoises.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "t3video/attention.h"

namespace t3 {

enum class Sampler {
  kEuler,
  kUniPC,
  kRenoise,  // predicts the clean video, then adds new noise: for distilled weights
  kRcm,      // kRenoise at the levels of rCM
};

std::string_view SamplerName(Sampler sampler);
// "euler", "unipc", "renoise" or "rcm"; throws Error of kind kUsage otherwise.
Sampler ParseSampler(std::string_view name);
// True for samplers that add new noise after each step, which the seed decides.
bool AddsNoise(Sampler sampler);

struct VideoSize {
  int64_t width = 0;  // pixels
  int64_t height = 0;
  bool operator==(const VideoSize&) const = default;
};

// A draft is a small clip that is generated first and then refined at the video's size.
struct DraftChoice {
  std::optional<VideoSize> size;  // absent: no draft, even where the model names one
  bool operator==(const DraftChoice&) const = default;
};

// An absent value is the model's own (its t3.json, else its preset).
struct GenerationParams {
  std::optional<VideoSize> size;  // rounded up to a size that the model supports, then cropped
  std::optional<int64_t> frames;  // 4n + 1
  std::optional<int64_t> steps;
  // Noise levels that fall, one per step, in place of those of `steps` and `shift`; one of the two
  // at most. Empty: the model's list, if it has one.
  std::vector<double> timesteps;   // in (0, 1000]
  std::vector<double> sigmas;      // in (0, 1]
  std::optional<double> guidance;  // 1: only the conditional branch runs
  std::optional<double> shift;     // of the noise schedule
  std::optional<Sampler> sampler;
  // Of a video that starts from a source clip or a draft: the fraction of the schedule that is run,
  // 0 (the source, encoded and decoded) to 1 (plain generation).
  std::optional<double> strength;
  std::optional<DraftChoice> draft;
  std::optional<int64_t> draft_steps;
  // JSON object with the fields of `t3.sampling` (docs/reference/files.md) that the draft has
  // another value of than the video; empty: none.
  std::string draft_sampling;
  // In `dtype` fp8: so many of the first and of the last steps compute in bf16, whose weights are
  // then in memory too. absent: none.
  std::optional<int64_t> fp8_exclude_steps;
  std::optional<AttentionPattern> attention;  // absent: as the model was trained
  WindowCycle windows;                        // empty: the model's own, else planned
  bool operator==(const GenerationParams&) const = default;
};

}  // namespace t3
