// cuDNN's plans for one shape, and the choice among them.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <memory>
#include <string>

#include "kernels/cudnn_plans.h"
#include "ops/autotuner.h"

namespace t3 {

struct TunedPlans {
  std::unique_ptr<kernels::CudnnPlans> plans;  // null: cuDNN has none
  Tuning tuning;

  static TunedPlans Create(std::unique_ptr<kernels::CudnnPlans> plans, TuningOptions options,
                           const std::string& from_table = {});

  // Runs a plan on `tensors` (CudnnPlans::Launch) of the device of `on`. False if none is left.
  bool Run(const at::Tensor& on, std::initializer_list<const void*> tensors,
           const Tuning::VerifyFn& verify = {});
};

}  // namespace t3
