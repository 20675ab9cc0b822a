// Work over the rates that were measured.
#include "pipeline/time_outlook.h"

#include "arch/dit.h"
#include "pipeline/decode_target.h"
#include "pipeline/refinement.h"
#include "plan/cost.h"
#include "plan/decode_plan.h"

namespace t3 {
namespace {

// All-to-all between two H200s over NVLink, of messages as a 4K forward sends them.
constexpr double kNvlinkBytesPerSecond = 300e9;

}  // namespace

CalibrationKey CalibrationKeyOf(const ModelInfo& model, const Job& job, at::Device device,
                                at::ScalarType dtype) {
  return {model.dit, DecoderOf(model), job.attention.pattern, device, dtype};
}

TimeOutlook ExpectTime(const Calibration& calibration, const ModelInfo& model, const Job& job,
                       at::ScalarType dtype, bool streamed, bool tunes) {
  const DitCost cost =
      CostOfForward(model.dit, job.attention.pattern, job.attention.windows, job.segment.grid);
  const bool fp8 = dtype == at::kFloat8_e4m3fn;
  const auto element_bytes =
      static_cast<int64_t>(c10::elementSize(fp8 ? at::kBFloat16 : dtype));  // of the arithmetic
  const int64_t copied =
      streamed
          ? model.dit.num_layers * DitWeightBytes(DitBlockTensors(model.dit), element_bytes, fp8)
          : 0;
  TimeOutlook time;
  time.measured = calibration.measured;
  time.start = calibration.StartSeconds(job.segment.grid.tokens(), tunes);
  time.forward = calibration.ForwardSeconds(cost, copied);
  time.step = (job.sampling.guidance != 1 ? 2 : 1) * time.forward;
  time.denoising =
      time.start + static_cast<double>(job.steps() * std::ssize(job.segments)) * time.step;
  if (!IsTensorFile(job.request.output.path))
    time.decoding = calibration.DecodeSeconds(CostOfDecode(DecoderOf(model), job.geometry.latent));
  if (EncodedFrames(job) > 1 && calibration.decode > 0) {
    // At the rate of the decoder, whose dtype it shares on a GPU.
    time.encoding = CostOfEncode(VaeOf(model), job.geometry.latent) / calibration.decode;
  }
  time.linear_rate = calibration.linear;
  time.attention_rate = calibration.attention;
  time.decode_rate = calibration.decode;
  return time;
}

std::optional<TimeOutlook> FindTime(const ModelInfo& model, const Job& job, at::Device device,
                                    at::ScalarType dtype, bool streamed, bool tunes,
                                    const RankSplit& split) {
  const auto calibration = FindCalibration(CalibrationKeyOf(model, job, device, dtype));
  if (!calibration) return std::nullopt;
  return SharedTime(ExpectTime(*calibration, model, job, dtype, streamed, tunes), model, job, dtype,
                    device, split);
}

TimeOutlook SharedTime(TimeOutlook alone, const ModelInfo& model, const Job& job,
                       at::ScalarType dtype, at::Device device, const RankSplit& split) {
  if (split.ranks() == 1) return alone;
  TimeOutlook time = alone;
  const double sent = ExchangedBytes(split, model.dit.num_layers, job.segment.grid.tokens(),
                                     model.dit.dim * static_cast<int64_t>(c10::elementSize(dtype)));
  const double exchange = device.is_cuda() ? sent / kNvlinkBytesPerSecond : 0;
  time.forward = alone.forward / static_cast<double>(split.shards) + exchange;
  const bool two = job.sampling.guidance != 1 && split.branches == 1;
  time.step = (two ? 2 : 1) * time.forward;
  time.denoising =
      time.start + static_cast<double>(job.steps() * std::ssize(job.segments)) * time.step;
  const Grid& latent = job.geometry.latent;
  if (split.ranks() > latent.h) return time;
  const int64_t some = split.ranks() > 2 ? 1 : 0;  // with two neighbours where parts have them
  const VaeConfig vae = VaeOf(model);
  const DecodePlan part =
      MakeDecodePlan(vae, latent, 2, {.part = PartRows(latent.h, some, split.ranks())});
  if (std::holds_alternative<VaeConfig>(DecoderOf(model))) time.decoding *= RelativeWork(part);
  time.encoding *= RelativeWork(part);
  return time;
}

void AddDraft(const std::optional<TimeOutlook>& draft, std::optional<TimeOutlook>& time) {
  if (!draft) {
    time.reset();
  } else if (time) {
    time->draft = draft->denoising + draft->decoding;
  }
}

}  // namespace t3
