// The device of a run: which one, what it has, how much a stage took.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <string>

#include "t3video/options.h"

namespace t3 {

// "auto", "cpu", "cuda", "cuda:N" -> device. auto takes the first GPU, else the CPU. Throws Error
// of kind kUsage for another name, kFailed when the GPU is not there or this build has no CUDA.
at::Device ResolveDevice(const std::string& name);

// kFp8 is float8_e4m3fn, whose run computes in ArithmeticDtype everything but the denoiser's
// products (models/dit); throws Error of kind kUsage for a device that does not multiply e4m3.
// kAuto is bf16 on a GPU; on a CPU it is fp32 unless the CPU multiplies bf16 natively (without that
// a bf16 product is some hundred times slower than fp32).
at::ScalarType ResolveDtype(ComputeDtype dtype, at::Device device);
bool CpuMultipliesBf16();
// The dtype of the arithmetic in a run that asks for `dtype`: bf16 for fp8. CPUs without bf16
// instructions compute in fp32: libtorch's emulation of bf16 is up to 150 times slower.
at::ScalarType ArithmeticDtype(at::ScalarType dtype, bool on_gpu);

// fp32 on a GPU means fp32: libtorch would multiply in TF32 in convolutions, which is 1e-3 away.
void UseExactFloat32();

// Bytes that a run can still take: free memory of the GPU, or what the host or the container that
// the process runs in has available.
int64_t AvailableBytes(at::Device device);
int64_t TotalBytes(at::Device device);

// Peak bytes of the device's allocator since the last reset; 0 on the CPU.
void ResetDevicePeak(at::Device device);
int64_t DevicePeak(at::Device device);

// Bytes of the device in use beside what this process's allocator holds: context, code and memory
// of libraries, other processes. 0 on the CPU.
int64_t DeviceContextBytes(at::Device device);

// Peak resident bytes of this process since the last reset, or since its start where the system
// does not let it be reset.
void ResetHostPeak();
int64_t HostPeak();

// Bytes in use now: what the allocator holds of a GPU; on the CPU the process's own resident
// memory, without mapped files.
int64_t MemoryInUse(at::Device device);

// "NVIDIA H200" or the CPU's model name.
std::string DeviceName(at::Device device);

// Returns freed memory to the device and to the host, so that the next stage can have it.
void ReleaseCachedMemory(at::Device device);
void Synchronize(at::Device device);

// Returns once the work that was given to the device before this call is done; from any thread.
std::function<void()> WhenDone(at::Device device);

// Keeps the host from running far ahead of the device.
class DevicePacer {
 public:
  explicit DevicePacer(at::Device device) : device_(device) {}
  // Waits for the work that was given to the device before the previous call. The device stays
  // busy with what came since.
  void Wait();

 private:
  at::Device device_;
  std::function<void()> previous_;
};

// From now on only kernels whose results do not change from run to run; operations that have none
// throw. Call before the first work on the device.
void UseDeterministicKernels();

// What every run does before its first work on `device`: exact fp32, the options' determinism and
// memory limit, and on a GPU the plans that earlier runs found (plan_file.h).
void SetUpDevice(at::Device device, const RunOptions& options);

// Caps what the allocator may take from the device, so that a run that exceeds `bytes` fails rather
// than takes more. The context's own bytes are taken off first. No effect on the CPU.
void LimitDeviceMemory(at::Device device, int64_t bytes);

}  // namespace t3
