// NCCL process groups.
#include <cstdlib>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "parallel/backend.h"

namespace t3 {

c10::intrusive_ptr<c10d::Backend> MakeNccl(const BackendPlace& place, at::Device device) {
  // RankGroup watches the ranks (rank_group.cc). c10d's own watchdog would end the process before
  // rank 0 could save the latest step.
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", /*overwrite=*/0);
  setenv("TORCH_NCCL_ENABLE_MONITORING", "0", /*overwrite=*/0);
  setenv("TORCH_NCCL_DUMP_ON_TIMEOUT", "0", /*overwrite=*/0);
  // Else the first broadcast connects, which waits for a rank that is gone without a limit.
  setenv("NCCL_RUNTIME_CONNECT", "0", /*overwrite=*/0);
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = std::chrono::hours(24 * 365);
  // An exchange that runs beside products gets the multiprocessors that these free first.
  options->is_high_priority_stream = true;
  const auto backend =
      c10::make_intrusive<c10d::ProcessGroupNCCL>(place.store, place.rank, place.size, options);
  backend->setBoundDeviceId(device);
  backend->eagerConnectSingleDevice(device);
  return backend;
}

}  // namespace t3
