// Compares a clip with its scene and true render.
#include "eval/clip_score.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "measure/clip_measures.h"
#include "measure/world_detector.h"

namespace t3 {
namespace {

constexpr int kConstraints = 5;  // that apply to a clip

constexpr MeasureKind kKinds[] = {
    {"land", "land", Better::kMore, true},
    {"time", "time", Better::kMore, true},
    {"clouds", "clouds", Better::kMore, true},
    {"light", "light", Better::kMore, true},
    {"object", "object", Better::kMore, true},
    {"color", "color", Better::kMore, true},
    {"motion", "motion", Better::kMore, true},
    {"camera", "camera", Better::kMore, true},
    {"pair", "pair", Better::kMore, true},
    {"attributes", "attributes, mean", Better::kMore, true, kWorldAttributes},
    {"all_attributes", "all attributes right", Better::kMore, true},
    {"one_object", "one object", Better::kMore, true},
    {"pair_matched", "pair matches", Better::kMore, true},
    {"path_continuous", "path continuous", Better::kMore, true},
    {"shading", "shading fits the light", Better::kMore, true},
    {"shadow", "shadow fits the light", Better::kMore, true},
    {"mirror", "mirror image at sea", Better::kMore, true},
    {"constraints", "constraints, mean", Better::kMore, true, kConstraints},
    {"detail_ratio", "detail, of the truth's", Better::kNeither},
    {"detail_distance", "detail, |ln ratio|", Better::kLess},
    {"detail_over_bicubic", "detail, of a bicubic's", Better::kNeither},
    {"flicker_ratio", "flicker, of the truth's", Better::kNeither},
    {"flicker_distance", "flicker, |ln ratio|", Better::kLess},
    {"flicker", "flicker, gray levels", Better::kLess},
    {"flicker_true", "flicker of the truth", Better::kNeither},
    {"loss", "validation loss", Better::kLess},
    {"psnr", "PSNR, dB", Better::kMore},
    {"seconds", "seconds a clip", Better::kLess},
};

// Bounded, so that the logarithm for a clip of one colour is finite.
double Ratio(double value, double truth) {
  constexpr double kMax = 1000;
  return std::clamp(value / std::max(truth, 1e-12), 1 / kMax, kMax);
}

nlohmann::ordered_json Words(const WorldValues& values) {
  nlohmann::ordered_json words;
  for (int i = 0; i < kWorldAttributes; ++i) {
    const auto attribute = static_cast<WorldAttribute>(i);
    const int value = values[static_cast<size_t>(i)];
    nlohmann::ordered_json& word = words[std::string(WorldAttributeName(attribute))];
    if (value >= 0) word = WorldValueNames(attribute)[static_cast<size_t>(value)];
  }
  return words;
}

}  // namespace

std::span<const MeasureKind> MeasureKinds() { return kKinds; }

ClipScore ScoreClip(uint64_t number, const WorldScene& scene, const at::Tensor& video,
                    const at::Tensor& truth) {
  T3_CHECK(video.sizes() == truth.sizes(), "eval: a clip has shape ({}), its true render ({})",
           fmt::join(video.sizes(), ","), fmt::join(truth.sizes(), ","));
  const WorldReading reading = ReadWorld(video);
  ClipScore score;
  score.scene = number, score.wanted = scene.Values(), score.read = reading.values;
  const auto set = [&score](std::string_view name, double value) {
    score.measures[std::string(name)] = value;
  };
  int right = 0;
  for (int i = 0; i < kWorldAttributes; ++i) {
    const auto at = static_cast<size_t>(i);
    const bool equal = score.wanted[at] == score.read[at];
    set(WorldAttributeName(static_cast<WorldAttribute>(i)), equal);
    right += equal;
  }
  set("attributes", static_cast<double>(right) / kWorldAttributes);
  set("all_attributes", right == kWorldAttributes);
  const bool at_sea = scene.land == WorldLand::kSea;
  const auto constraints = reading.Constraints(at_sea);
  double satisfied = 0;
  for (const auto& [name, holds] : constraints) {
    set(name, holds);
    satisfied += holds;
  }
  set("constraints", satisfied / static_cast<double>(std::size(constraints)));
  const double detail = Ratio(DetailEnergy(video), DetailEnergy(truth));
  // In gray levels too: where a true clip hardly changes, a ratio magnifies what nobody sees.
  const double jumps = Flicker(video), true_jumps = Flicker(truth);
  const double flicker = Ratio(jumps, true_jumps);
  set("detail_ratio", detail), set("detail_distance", std::abs(std::log(detail)));
  set("flicker_ratio", flicker), set("flicker_distance", std::abs(std::log(flicker)));
  set("flicker", jumps * 255), set("flicker_true", true_jumps * 255);
  return score;
}

double DetailOverEnlarged(const at::Tensor& video, const at::Tensor& small) {
  return Ratio(DetailEnergy(video), EnlargedDetailEnergy(small, video.size(3), video.size(2)));
}

nlohmann::ordered_json ToJson(const ClipScore& score) {
  nlohmann::ordered_json json{{"scene", score.scene}, {"caption", score.caption}};
  json["wanted"] = Words(score.wanted);
  if (score.measures.contains("attributes")) json["read"] = Words(score.read);
  json["measures"] = score.measures;
  return json;
}

}  // namespace t3
