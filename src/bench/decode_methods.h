// The decoding methods that `t3 bench vae` times: this decoder, its reference, the published tiles.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/vae/vae.h"
#include "ops/conv/convolution_checker.h"
#include "ops/profiler.h"
#include "plan/geometry.h"
#include "runtime/stage.h"
#include "t3video/bench.h"

namespace t3 {

struct MethodResult : DecodeMethodResult {
  at::Tensor video;  // of the last run, if it is small enough
};

// Random latents and weights of one preset.
class DecodeMethods {
 public:
  DecodeMethods(const VaeBenchRequest& request, const RunContext& context, at::ScalarType dtype);

  // Runs one method `repeats` times; an out-of-memory failure is recorded in `note`.
  MethodResult Run(const std::string& method);

  // Compares every convolution of "planned" with libtorch's, over as many frames as have every
  // convolution shape but the last pass's.
  ConvolutionCheck Check();

  // Milliseconds on the device in each part of one decode by "planned".
  ProfileTimes Parts();

  double Macs() const;  // of an untiled decode
  const VideoGeometry& geometry() const { return geometry_; }

 private:
  // Each returns the seconds to add for the part that was not run.
  double RunOnce(const std::string& method, MethodResult* result);
  double RunPlanned(MethodResult* result);
  double RunPlain(MethodResult* result);
  double RunTiled(MethodResult* result);
  DecodePlan PlanOf(const Grid& latent) const;
  void DecodeByPlan(const at::Tensor& latents, const DecodePlan& plan, const RowSink& sink);
  // Buffer for a method's frames; undefined for videos that are too large to compare.
  at::Tensor Video() const;
  void ReportProgress(const std::string& method, int64_t done, int64_t total) const;

  const VaeBenchRequest& request_;
  const RunContext& context_;
  VaeConfig config_;
  VideoGeometry geometry_;
  Vae vae_;
  at::Tensor latents_;
  bool keep_ = false;
};

}  // namespace t3
