// t3 bench vae: decoding methods, timed in one process.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/check.h"
#include "bench/decode_methods.h"
#include "bench/plans_file.h"
#include "bench/so_far.h"
#include "bench/timing.h"
#include "ops/conv/convolution_tuning.h"
#include "pipeline/run_settings.h"
#include "runtime/device.h"
#include "t3video/bench.h"

namespace t3 {
namespace {

void CheckRequest(const VaeBenchRequest& request) {
  for (const std::string& method : request.methods) {
    if (method != "planned" && method != "plain" && method != "tiled")
      FailUsage("`methods` {}: wanted planned, plain or tiled", method);
  }
  CheckRepeats(request.repeats);
  if (request.cudnn_choices < 0)
    FailUsage("`cudnn-choices` {}: wanted 0 or more", request.cudnn_choices);
  if (request.tiles < 0) FailUsage("`tiles` {}: wanted 0 (all) or more", request.tiles);
  if (request.plain_frames < 0)
    FailUsage("`plain-frames` {}: wanted 0 (all) or more", request.plain_frames);
}

void Compare(std::vector<MethodResult>& results) {
  const auto planned = std::ranges::find(results, std::string("planned"), &MethodResult::method);
  if (planned == results.end() || !planned->video.defined()) return;
  for (MethodResult& result : results) {
    if (&result == &*planned || !result.video.defined()) continue;
    result.difference = (result.video - planned->video).abs().max().item<double>();
  }
}

std::string DescribeMethods(const std::vector<MethodResult>& methods) {
  std::vector<std::string> times;
  for (const MethodResult& method : methods) {
    if (method.seconds.empty()) continue;
    times.push_back(fmt::format("{} {:.3f} s", method.method, std::ranges::min(method.seconds)));
  }
  return fmt::format("{}", fmt::join(times, ", "));
}

void RunVaeBench(const VaeBenchRequest& request, DecodeMethods& bench, VaeBenchResult& result) {
  const ConvolutionSettings settings{.choices = request.cudnn_choices};
  SetConvolutionSettings(settings);
  if (request.check) result.check = bench.Check();
  SetConvolutionSettings(settings);  // so that the first timed run has nothing from the check
  TakeFoundPlans();
  std::vector<MethodResult> methods;
  const auto measure = [&] {
    for (const std::string& method : request.methods.empty() ? bench.Methods() : request.methods)
      methods.push_back(bench.Run(method));
  };
  KeepWhatWasMeasured(measure, [&] { return DescribeMethods(methods); });
  SaveToPlansFile(request.plans, request.save);
  result.convolutions = CountConvolutions();
  Compare(methods);
  result.methods.assign(methods.begin(), methods.end());
  if (request.parts) result.profile = bench.Parts();
}

}  // namespace

VaeBenchResult BenchVae(const VaeBenchRequest& request, const ProgressFn& progress,
                        const CancelToken* cancel) {
  CheckRequest(request);
  const c10::NoGradGuard no_grad;
  const at::Device device = ResolveDevice(request.options.device);
  if (request.options.dtype == ComputeDtype::kFp8)
    FailUsage("`dtype` fp8 is for the denoiser; decoders compute in bf16 or fp32");
  const at::ScalarType dtype = ResolveDtype(request.options.dtype, device);
  SetUpDevice(device, request.options);
  UsePlansFile(request.plans, request.save);  // in place of those that runs use
  const RunContext context{progress, cancel, device, request.options.memory_limit};
  DecodeMethods bench(request, context, dtype);
  for (const std::string& method : request.methods) {
    if (std::ranges::count(bench.Methods(), method) == 0)
      FailUsage("`methods` {}: {} has only the method planned", method, bench.Name());
  }
  VaeBenchResult result;
  result.preset = request.vae.empty() ? request.preset : "";
  result.decoder = bench.Name();
  result.width = bench.geometry().padded_width;
  result.height = bench.geometry().padded_height;
  result.frames = bench.geometry().frames;
  result.device = device.str();
  result.dtype = ToComputeDtype(dtype);
  result.decode_macs = bench.Macs();
  RunVaeBench(request, bench, result);
  return result;
}

}  // namespace t3
