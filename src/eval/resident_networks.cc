// Which networks leave.
#include "eval/resident_networks.h"

#include <algorithm>

#include "runtime/device.h"

namespace t3 {

ResidentNetworks::Resident& ResidentNetworks::MakeRoom(const std::string& key,
                                                       const NetworkNeed& need) {
  const auto found = std::ranges::find(residents_, key, &Resident::key);
  if (found == residents_.end()) {
    residents_.push_back({key, need, nullptr});
  } else {
    residents_.splice(residents_.end(), residents_, found);
    residents_.back().need = need;
  }
  const size_t before = residents_.size();
  while (residents_.size() > 1 && !FitsAll()) residents_.pop_front();
  if (residents_.size() < before) ReleaseCachedMemory(device_);
  return residents_.back();
}

// The latest at work, the others at rest.
bool ResidentNetworks::FitsAll() const {
  const NetworkNeed& latest = residents_.back().need;
  int64_t device = latest.at_work - latest.weights, host = 0;
  for (const Resident& resident : residents_) {
    device += resident.need.weights;
    host += resident.need.host_weights;
  }
  return (room_.device == 0 || device <= room_.device) && (room_.host == 0 || host <= room_.host);
}

}  // namespace t3
