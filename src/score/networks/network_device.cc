// NetworkDevice.
#include "score/networks/network_device.h"

#include "base/check.h"
#include "runtime/device.h"

namespace t3 {

c10::Device NetworkDevice(const RunOptions& options) {
  if (options.dtype == ComputeDtype::kBf16) {
    FailUsage("networks score clips in fp32; leave out `dtype` bf16");
  }
  const c10::Device device = ResolveDevice(options.device);
  SetUpDevice(device, options);
  return device;
}

}  // namespace t3
