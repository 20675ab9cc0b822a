// NCCL in a build that has none.
#include "base/check.h"
#include "parallel/backend.h"

namespace t3 {

c10::intrusive_ptr<c10d::Backend> MakeNccl(const BackendPlace& /*place*/, at::Device device) {
  Fail(
      "{}: this build moves no tensors between GPUs; build it with T3_CUDA and NCCL's header "
      "nccl.h (scripts/setup.sh --cuda)",
      device.str());
}

}  // namespace t3
