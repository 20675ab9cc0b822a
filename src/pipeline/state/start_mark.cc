// The mark's file is there as long as the object.
#include "pipeline/state/start_mark.h"

#include "base/failure.h"
#include "base/log.h"

namespace t3 {

StartMark::StartMark(const RunIdentity* identity) : identity_(identity) {
  if (identity_ == nullptr) return;
  try {
    SaveStart(*identity_);
  } catch (...) {
    spdlog::warn("the start of the run could not be recorded: {}", CurrentError().what());
  }
}

StartMark::~StartMark() {
  if (identity_ != nullptr) RemoveStart(*identity_);
}

}  // namespace t3
