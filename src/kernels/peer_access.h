// Whether GPUs reach each other's memory.
#pragma once

namespace t3::kernels {

// Directly, over NVLink or PCIe: else what they exchange goes through host memory.
bool HasPeerAccess(int device, int peer);

}  // namespace t3::kernels
