// Peer access as the CUDA runtime reports it.
#include "kernels/peer_access.h"

#include <cuda_runtime.h>

namespace t3::kernels {

bool HasPeerAccess(int device, int peer) {
  int access = 0;
  return cudaDeviceCanAccessPeer(&access, device, peer) == cudaSuccess && access != 0;
}

}  // namespace t3::kernels
