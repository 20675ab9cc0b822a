// Drives libtorch's profiler.
#include "training/loop/step_profile.h"

#include <torch/csrc/autograd/profiler_kineto.h>

#include <set>
#include <utility>

#include "base/log.h"
#include "runtime/device.h"

namespace t3 {
namespace {

namespace profiler = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;
using torch::profiler::impl::ProfilerConfig;
using torch::profiler::impl::ProfilerState;

}  // namespace

StepProfile::StepProfile(std::string path, at::Device device)
    : path_(std::move(path)), device_(device) {}

StepProfile::~StepProfile() {
  if (running_) Stop();
}

void StepProfile::BeforeStep() {
  if (path_.empty()) return;
  if (steps_ == kWarmUp) Start();
  if (steps_ == kWarmUp + kSteps && running_) Stop();
  ++steps_;
}

void StepProfile::Start() {
  Synchronize(device_);
  const ProfilerConfig config(ProfilerState::KINETO, /*report_input_shapes=*/true);
  std::set<ActivityType> activities{ActivityType::CPU};
  if (device_.is_cuda()) activities.insert(ActivityType::CUDA);
  profiler::prepareProfiler(config, activities);
  // The backward pass runs on other threads; these scopes cover it.
  profiler::enableProfiler(config, activities,
                           {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION});
  running_ = true;
}

void StepProfile::Stop() {
  running_ = false;
  Synchronize(device_);
  try {
    profiler::disableProfiler()->save(path_);
    spdlog::info("{} holds a trace of {} steps", path_, kSteps);
  } catch (const std::exception& error) {
    spdlog::warn("cannot write the trace {}: {}", path_, error.what());
  }
}

}  // namespace t3
