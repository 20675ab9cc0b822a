// Gloo process groups.
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "parallel/backend.h"

namespace t3 {

c10::intrusive_ptr<c10d::Backend> MakeGloo(const BackendPlace& place) {
  const auto options = c10d::ProcessGroupGloo::Options::create(place.patience);
  const bool loopback = place.address == "127.0.0.1" || place.address == "localhost";
  options->devices.push_back(loopback ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                      : c10d::ProcessGroupGloo::createDefaultDevice());
  return c10::make_intrusive<c10d::ProcessGroupGloo>(place.store, place.rank, place.size, options);
}

}  // namespace t3
