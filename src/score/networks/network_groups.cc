// The table of groups that need a network.
#include "score/networks/network_metrics.h"

namespace t3 {
namespace {

constexpr MetricNeeds kFile{.weights = true};
constexpr MetricNeeds kFileAndPrompt{.prompt = true, .weights = true};
constexpr const char* kDoverSource = "Wu et al., ICCV 2023";

constexpr ScoreMetric kDoverMetrics[] = {
    {"dover", "dover", "", Better::kMore, kDoverSource, kFile},
    {"dover_technical", "dover", "", Better::kMore, kDoverSource, kFile},
    {"dover_aesthetic", "dover", "", Better::kMore, kDoverSource, kFile},
    {"dover_patches", "dover", "", Better::kMore, "mean of `dover` over patches", kFile}};
constexpr ScoreMetric kClipMetrics[] = {
    {"clip_text", "clip", "", Better::kMore, "Radford et al., ICML 2021", kFileAndPrompt}};
constexpr ScoreMetric kAestheticMetrics[] = {{"clip_aesthetic", "aesthetic", "", Better::kMore,
                                              "LAION improved-aesthetic-predictor", kFile}};
constexpr ScoreMetric kMusiqMetrics[] = {
    {"musiq", "musiq", "", Better::kMore, "Ke et al., ICCV 2021", kFile}};

constexpr MetricGroup kNetworkGroups[] = {{"dover", 1, kDoverMetrics, OpenDover},
                                          {"clip", 1, kClipMetrics, OpenClipText},
                                          {"aesthetic", 1, kAestheticMetrics, OpenClipAesthetic},
                                          {"musiq", 1, kMusiqMetrics, OpenMusiq}};

}  // namespace

std::span<const MetricGroup> NetworkMetricGroups() { return kNetworkGroups; }

}  // namespace t3
