// Between the autotuner and cuDNN's plans.
#include "ops/cudnn_tuning.h"

#include <ATen/ATen.h>

#include <utility>

#include "ops/dispatch.h"

namespace t3 {

TunedPlans TunedPlans::Create(std::unique_ptr<kernels::CudnnPlans> plans, TuningOptions options,
                              const std::string& from_table) {
  Candidates candidates;
  if (plans) {
    kernels::CudnnPlans* const all = plans.get();
    candidates = {.names = all->Names(),
                  .build = [all](size_t plan) { return all->Build(plan); },
                  .refusal = [all] { return all->Refusal(); }};
  }
  Tuning tuning(std::move(options), std::move(candidates), from_table);
  return {std::move(plans), std::move(tuning)};
}

bool TunedPlans::Run(const at::Tensor& on, std::initializer_list<const void*> tensors,
                     const Tuning::VerifyFn& verify) {
  const auto run = [&](size_t plan) {
    const at::Tensor workspace =
        at::empty({plans->WorkspaceBytes(plan)}, on.options().dtype(at::kByte));
    return plans->Launch(plan, tensors, workspace.mutable_data_ptr(), CurrentStream(on));
  };
  return tuning.Run(on, run, verify);
}

}  // namespace t3
