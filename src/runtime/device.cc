// Devices through ATen's accelerator interface.
#include "runtime/device.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/cpu/Utils.h>
#include <c10/core/AllocatorConfig.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <malloc.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "base/bytes.h"
#include "base/check.h"
#include "ops/fp8/quantise.h"
#include "ops/linear/linear_tuning.h"
#include "runtime/cpu_threads.h"
#include "runtime/host_memory.h"
#include "runtime/memory_limit.h"
#include "runtime/plan_file.h"
#include "runtime/proc_field.h"

namespace t3 {
namespace {

bool HasCuda() {
  return at::getAccelerator() == c10::DeviceType::CUDA && at::accelerator::deviceCount() > 0;
}

// Freed memory of different sizes is merged: without this a 4K decode takes 96 GB instead of 60 GB,
// and one within 8 GB fails (docs/results/decode-4k.md). The user's own settings take precedence.
void UseExpandableSegments() {
  for (const char* name : {"PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"}) {
    if (std::getenv(name) != nullptr) return;
  }
  c10::CachingAllocator::setAllocatorSettings("expandable_segments:True");
}

at::Device CudaDevice(const std::string& name, int index) {
  T3_CHECK(HasCuda(),
           "device {} was requested, but this build or this machine has no CUDA GPU that libtorch "
           "can use; use `device` cpu",
           name);
  const int count = at::accelerator::deviceCount();
  T3_CHECK(index < count, "device {} was requested, but there are {} GPUs (0 to {})", name, count,
           count - 1);
  UseExpandableSegments();
  at::globalContext().lazyInitDevice(at::kCUDA);  // its allocator answers only after that
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace

bool CpuMultipliesBf16() {
  const auto capabilities = at::cpu::get_cpu_capabilities();
  for (const char* name : {"avx512_bf16", "amx_bf16"}) {
    const auto found = capabilities.find(name);
    if (found != capabilities.end() && found->second.isBool() && found->second.toBool())
      return true;
  }
  return false;
}

at::Device ResolveDevice(const std::string& name) {
  LetThreadsSleep();  // before the first parallel work of a run
  if (name == "cpu") return at::Device(at::kCPU);
  if (name == "auto") return HasCuda() ? CudaDevice(name, 0) : at::Device(at::kCPU);
  if (name == "cuda") return CudaDevice(name, 0);
  if (name.rfind("cuda:", 0) == 0) {
    int index = -1;
    const char* end = name.data() + name.size();
    const auto [stop, status] = std::from_chars(name.data() + 5, end, index);
    if (status == std::errc() && stop == end && index >= 0) return CudaDevice(name, index);
  }
  FailUsage("`device` '{}' is not a device; use auto, cpu, cuda or cuda:N", name);
}

namespace {

void CheckFp8(at::Device device) {
  if (MultipliesFp8(device)) return;
  FailUsage(
      "`dtype` fp8 on {}: it needs a GPU of compute capability 8.9 or later (RTX 4090, L40S, H100 "
      "and later); use `dtype` bf16",
      device.is_cuda() ? DeviceName(device) : "the CPU");
}

}  // namespace

at::ScalarType ResolveDtype(ComputeDtype dtype, at::Device device) {
  if (dtype == ComputeDtype::kBf16) return at::kBFloat16;
  if (dtype == ComputeDtype::kFp32) return at::kFloat;
  if (dtype == ComputeDtype::kFp8) {
    CheckFp8(device);
    return at::kFloat8_e4m3fn;
  }
  return device.is_cuda() || CpuMultipliesBf16() ? at::kBFloat16 : at::kFloat;
}

void UseExactFloat32() {
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

int64_t AvailableBytes(at::Device device) {
  if (!device.is_cuda()) return ReadHostMemory().available;
  return static_cast<int64_t>(at::accelerator::getMemoryInfo(device.index()).first);
}

int64_t TotalBytes(at::Device device) {
  if (!device.is_cuda()) return ReadHostMemory().total;
  return static_cast<int64_t>(at::accelerator::getMemoryInfo(device.index()).second);
}

void ResetDevicePeak(at::Device device) {
  if (device.is_cuda()) at::accelerator::resetPeakStats(device.index());
}

int64_t DevicePeak(at::Device device) {
  if (!device.is_cuda()) return 0;
  const auto stats = at::accelerator::getDeviceStats(device.index());
  return stats.reserved_bytes[0].peak;
}

int64_t DeviceContextBytes(at::Device device) {
  if (!device.is_cuda()) return 0;
  return TotalBytes(device) - AvailableBytes(device) - MemoryInUse(device);
}

void ResetHostPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

int64_t HostPeak() { return ProcBytes("/proc/self/status", "VmHWM"); }

int64_t MemoryInUse(at::Device device) {
  if (!device.is_cuda()) {
    // Not the pages of mapped weight files, which the kernel takes back when it needs them.
    return ProcBytes("/proc/self/status", "RssAnon") + ProcBytes("/proc/self/status", "RssShmem");
  }
  return at::accelerator::getDeviceStats(device.index()).reserved_bytes[0].current;
}

std::string DeviceName(at::Device device) {
  if (device.is_cuda()) return GpuName(device);
  const std::string name = ProcField("/proc/cpuinfo", "model name");
  return name.empty() ? "CPU" : name;
}

void ReleaseCachedMemory(at::Device device) {
  if (device.is_cuda()) at::accelerator::emptyCache();
  ::malloc_trim(0);  // what a finished stage has freed on the host
}

void Synchronize(at::Device device) {
  if (device.is_cuda()) at::accelerator::synchronizeDevice(device.index());
}

std::function<void()> WhenDone(at::Device device) {
  if (!device.is_cuda()) return [] {};
  const auto event = std::make_shared<c10::Event>(device.type());
  event->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  return [event] { event->synchronize(); };
}

void DevicePacer::Wait() {
  if (!device_.is_cuda()) return;
  auto latest = WhenDone(device_);
  if (previous_) previous_();
  previous_ = std::move(latest);
}

void UseDeterministicKernels() {
  // cuBLAS reads it when its first handle is made; without it split-K sums in any order.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*replace=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);  // ours is always written
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setBenchmarkCuDNN(false);
  SetLinearTuning(false);
}

void LimitDeviceMemory(at::Device device, int64_t bytes) {
  if (!device.is_cuda() || bytes <= 0) return;
  const int64_t total = TotalBytes(device);
  const int64_t context = total - AvailableBytes(device);
  T3_CHECK(bytes > context, "`memory-limit` {} is less than the {} that the GPU's context takes",
           FormatBytes(bytes), FormatBytes(context));
  SetAllocatorLimit(device, bytes - context, total);
}

void SetUpDevice(at::Device device, const RunOptions& options) {
  UseExactFloat32();
  if (options.deterministic) UseDeterministicKernels();
  LimitDeviceMemory(device, options.memory_limit);
  if (device.is_cuda()) UseKeptPlans();
}

at::ScalarType ArithmeticDtype(at::ScalarType dtype, bool on_gpu) {
  const at::ScalarType wide = dtype == at::kFloat8_e4m3fn ? at::kBFloat16 : dtype;
  return on_gpu || CpuMultipliesBf16() ? wide : at::kFloat;
}

}  // namespace t3
