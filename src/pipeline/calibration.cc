// Times short work to predict long work.
#include "pipeline/calibration.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/chrono.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/decoder.h"
#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/seconds_since.h"
#include "config/presets.h"
#include "loading/load_models.h"
#include "ops/linear/linear_tuning.h"
#include "plan/windows.h"
#include "runtime/cache_folder.h"
#include "runtime/device.h"
#include "runtime/file_digest.h"
#include "t3video/version.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

// Work this long is well above the cost of starting it.
constexpr double kLongEnough = 0.5;
// Where a machine is so fast that it never takes that long: more than 4K has.
constexpr int64_t kMaxLatentPixels = 272 * 480;
constexpr int64_t kLatentFrames = 5;
constexpr int64_t kTextRows = 64;

// Of sizes alone.
std::string DecoderKey(const DecoderConfig& decoder) {
  if (const auto* vae = std::get_if<VaeConfig>(&decoder))
    return fmt::format("{} {} {}", vae->decoder_dim, vae->latent_channels, vae->patch());
  const auto& taehv = std::get<TaehvConfig>(decoder);
  return fmt::format("{} {} {} {} {}", DecoderName(decoder), fmt::join(taehv.widths, " "),
                     taehv.last_width, taehv.latent_channels, taehv.patch);
}

std::string PathOf(const CalibrationKey& key) {
  const std::string folder = CacheFolder();
  if (folder.empty()) return "";
  const BuildInfo& build = GetBuildInfo();
  const DitConfig& dit = key.dit;
  const std::string text =
      fmt::format("{} {} {} {} {} {}|{} {} {} {} {}|{}|{}", build.version, build.commit,
                  build.torch, DeviceName(key.device), at::get_num_threads(), toString(key.dtype),
                  dit.dim, dit.ffn_dim, dit.num_heads, dit.num_layers, dit.latent_channels,
                  DecoderKey(key.decoder), AttentionName(key.attention));
  return fmt::format("{}/calibration-{}.json", folder, TextDigest(text).substr(0, 16));
}

template <typename F>
double SecondsOf(at::Device device, F f) {
  Synchronize(device);
  const auto start = std::chrono::steady_clock::now();
  f();
  Synchronize(device);
  return SecondsSince(start);
}

struct TimedForward {
  DitCost cost;
  int64_t tokens = 0;
  double seconds = 0;  // the better of two, after one that warms up
  double start = 0;    // what the one that warms up took longer
};

TimedForward TimeForward(const Dit& dit, const CalibrationKey& key, int64_t side,
                         const RunContext& context) {
  const Grid grid{kLatentFrames, side / 2, side / 2};
  const WindowCycle cycle =
      key.attention == AttentionPattern::kFull
          ? WindowCycle{WindowCounts{}}
          : PlanWindows(grid, PublishedWindows(FamilyOf(key.dit.latent_channels)));
  const AttentionLayout attention = AttentionLayout::Make(
      key.attention, cycle, grid, key.dit.num_layers, key.dit.head_dim(), key.device);
  const at::TensorOptions options = at::TensorOptions(key.device).dtype(at::kFloat);
  const at::Tensor latents =
      at::randn({key.dit.latent_channels, kLatentFrames, side, side}, options);
  const TextContext text = dit.PrepareText(at::zeros({kTextRows, key.dit.text_dim}, options));
  const auto forward = [&] {
    context.CheckCancelled();
    dit.Forward(latents, 500, 0, text, attention);
  };
  TimedForward timed{CostOfForward(key.dit, key.attention, cycle, grid), grid.tokens()};
  const double first = SecondsOf(key.device, forward);
  timed.seconds = std::min(SecondsOf(key.device, forward), SecondsOf(key.device, forward));
  timed.start = std::max(0.0, first - timed.seconds);
  return timed;
}

// Sides of latents: doubled until the work takes long enough.
template <typename F>
auto GrowUntilLong(int64_t side, const RunContext& context, F time) {
  auto timed = time(side);
  while (timed.seconds < kLongEnough && 4 * side * side <= kMaxLatentPixels) {
    context.CheckCancelled();
    side *= 2;
    timed = time(side);
  }
  return std::pair(side, timed);
}

// Two rates from two sizes, in which attention has different shares; one rate for everything where
// they do not tell the two apart.
void SolveRates(const TimedForward& small, const TimedForward& large, Calibration& result) {
  const auto rest = [](const DitCost& cost) { return cost.linears + cost.cross_attention; };
  const double a = rest(small.cost), b = small.cost.attention;
  const double c = rest(large.cost), d = large.cost.attention;
  const double determinant = a * d - b * c;
  const double per_linear = (small.seconds * d - b * large.seconds) / determinant;
  const double per_attention = (a * large.seconds - c * small.seconds) / determinant;
  const double per_mac = large.seconds / large.cost.total();
  // Attention is between half as fast and thirty times slower than a product of matrices.
  const bool sound = per_linear > 0.2 * per_mac && per_attention > 0.5 * per_linear &&
                     per_attention < 30 * per_linear;
  result.linear = 1 / (sound ? per_linear : per_mac);
  result.attention = 1 / (sound ? per_attention : per_mac);
}

double CopyRate(at::Device device) {
  constexpr int64_t kBytes = int64_t{1} << 28;
  const auto bytes = at::TensorOptions(at::kByte);
  const at::Tensor host = at::zeros({kBytes}, bytes.pinned_memory(true));
  at::Tensor target = at::empty({kBytes}, bytes.device(device));
  const auto copy = [&] { target.copy_(host, /*non_blocking=*/true); };
  SecondsOf(device, copy);
  return static_cast<double>(kBytes) / SecondsOf(device, copy);
}

void CalibrateForward(const ModelInfo& model, const CalibrationKey& key, const RunContext& context,
                      Calibration& result) {
  constexpr int64_t kSmallestSide = 16;
  const Dit dit = LoadDit(model, key.dtype, BlockWeights::kOnDevice, context);
  Stage stage(context, "timing the denoiser", 2);
  const auto time = [&](int64_t side) { return TimeForward(dit, key, side, context); };
  result.start = time(kSmallestSide).start;
  context.CheckCancelled();
  const auto [side, large] = GrowUntilLong(2 * kSmallestSide, context, time);
  result.tuning_a_row = large.start / static_cast<double>(std::min(large.tokens, kMaxTunedRows));
  stage.Advance(1);
  SolveRates(time(side / 2), large, result);
  stage.Advance(2);
}

void CalibrateDecode(const ModelInfo& model, const CalibrationKey& key, const RunContext& context,
                     Calibration& result) {
  struct Timed {
    double macs;
    double seconds;
    double start;
  };
  const auto decoder = LoadDecoder(model, key.dtype, context);
  Stage stage(context, "timing the decoder", 1);
  const auto time = [&](int64_t side) {
    const at::Tensor latents = at::randn({LatentChannels(key.decoder), 2, side, side});
    const auto decode = [&] {
      context.CheckCancelled();
      decoder->Decode(latents, [](const at::Tensor&) {});
    };
    const double first = SecondsOf(key.device, decode);
    const double seconds = SecondsOf(key.device, decode);
    return Timed{CostOfDecode(key.decoder, {2, side, side}), seconds,
                 std::max(0.0, first - seconds)};
  };
  constexpr int64_t kSmallestSide = 8;
  result.decode_start = time(kSmallestSide).start;
  const auto [side, timed] = GrowUntilLong(kSmallestSide, context, time);
  result.decode = timed.macs / timed.seconds;
  stage.Advance(1);
}

void Keep(const Calibration& calibration, const std::string& path) {
  if (path.empty()) {
    spdlog::warn(
        "the measurements are not kept: XDG_CACHE_HOME, or HOME without it, must name a folder "
        "that can be written to");
    return;
  }
  const ordered_json json{{"linear_macs_a_second", calibration.linear},
                          {"attention_macs_a_second", calibration.attention},
                          {"decode_macs_a_second", calibration.decode},
                          {"start_seconds", calibration.start},
                          {"tuning_seconds_a_row", calibration.tuning_a_row},
                          {"decode_start_seconds", calibration.decode_start},
                          {"copied_bytes_a_second", calibration.copy},
                          {"measured", calibration.measured}};
  WriteAtomically(path, DumpJson(json, 2) + "\n");
}

// nullopt where there is none; a damaged one is a warning, and the machine counts as not measured.
std::optional<ordered_json> ReadCalibration(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return std::nullopt;
  try {
    ordered_json json = ReadOrderedJson(path);
    T3_CHECK(json.is_object(), "{} is not a calibration of t3", path);
    return json;
  } catch (const Error& error) {
    spdlog::warn("{}; `t3 plan --calibrate` measures the machine again", error.what());
    return std::nullopt;
  }
}

}  // namespace

double Calibration::ForwardSeconds(const DitCost& cost, int64_t streamed) const {
  const double work = (cost.linears + cost.cross_attention) / linear + cost.attention / attention;
  return copy > 0 ? std::max(work, static_cast<double>(streamed) / copy) : work;
}

double Calibration::StartSeconds(int64_t tokens, bool tunes) const {
  return start + (tunes ? tuning_a_row * static_cast<double>(std::min(tokens, kMaxTunedRows)) : 0);
}

std::optional<Calibration> FindCalibration(const CalibrationKey& key) {
  const std::optional<ordered_json> json = ReadCalibration(PathOf(key));
  if (!json) return std::nullopt;
  const auto number = [&](const char* name) {
    const ordered_json value = json->value(name, ordered_json());
    return value.is_number() ? value.get<double>() : 0;
  };
  const ordered_json day = json->value("measured", ordered_json());
  const Calibration calibration{
      number("linear_macs_a_second"),  number("attention_macs_a_second"),
      number("decode_macs_a_second"),  number("start_seconds"),
      number("tuning_seconds_a_row"),  number("decode_start_seconds"),
      number("copied_bytes_a_second"), day.is_string() ? day.get<std::string>() : ""};
  if (!(calibration.linear > 0) || !(calibration.attention > 0)) return std::nullopt;
  return calibration;
}

Calibration Calibrate(const ModelInfo& model, const CalibrationKey& key,
                      const RunContext& context) {
  const c10::NoGradGuard no_grad;
  Calibration result;
  result.measured = fmt::format("{:%Y-%m-%d}", fmt::localtime(std::time(nullptr)));
  if (key.device.is_cuda()) result.copy = CopyRate(key.device);
  CalibrateForward(model, key, context, result);
  ReleaseCachedMemory(key.device);
  if (model.vae || model.decoder) CalibrateDecode(model, key, context, result);
  ReleaseCachedMemory(key.device);
  Keep(result, PathOf(key));
  return result;
}

}  // namespace t3
