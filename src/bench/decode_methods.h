// Ways of decoding that t3 bench vae times: this decoder, its definition, the published tiles.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/vae/vae.h"
#include "ops/convolution_choice.h"
#include "ops/part_timer.h"
#include "pipeline/stage.h"
#include "plan/geometry.h"
#include "t3video/bench.h"

namespace t3 {

struct WayResult {
  std::string way;
  std::vector<double> seconds;  // of each run; where a part was run, what the whole would take
  int64_t peak_bytes = 0;       // of the device's allocator, weights included
  int64_t host_peak_bytes = 0;  // of the process
  std::string note;
  std::string part;        // what was run and how the time was scaled; empty: all of it was run
  at::Tensor video;        // of the last run, where it is small enough
  double difference = -1;  // largest from the planned way; -1: not known
};

// Random latents and weights of one preset.
class DecodeMethods {
 public:
  DecodeMethods(const VaeBenchRequest& request, const RunContext& context, at::ScalarType dtype);

  // Runs a way so often as the request says. Running out of device memory is in the note.
  WayResult Run(const std::string& way);

  // The planned way, for as many frames as show every shape of a convolution but the last pass's;
  // each result is compared with libtorch's.
  ConvolutionCounts Check();

  // Milliseconds of the device in each part of a decode by the plan.
  PartTimes Parts();

  double Macs() const;  // of an untiled decode
  const VideoGeometry& geometry() const { return geometry_; }

 private:
  // Each returns the seconds to add for what was left out.
  double RunOnce(const std::string& way, WayResult* result);
  double RunPlanned(WayResult* result);
  double RunPlain(WayResult* result);
  double RunTiled(WayResult* result);
  DecodePlan PlanOf(const Grid& latent) const;
  void DecodeByPlan(const at::Tensor& latents, const DecodePlan& plan, const RowSink& sink);
  // Where a way's frames go: not defined for videos that are not kept.
  at::Tensor Video() const;
  void Report(const std::string& way, int64_t done, int64_t total) const;

  const VaeBenchRequest& request_;
  const RunContext& context_;
  VaeConfig config_;
  VideoGeometry geometry_;
  Vae vae_;
  at::Tensor latents_;
  bool keep_ = false;
};

}  // namespace t3
