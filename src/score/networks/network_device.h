// The device on which networks score clips.
#pragma once

#include <c10/core/Device.h>

#include "t3video/options.h"

namespace t3 {

// Set up for exact fp32, in which the networks are held to the published code. Throws Error where
// the device is not there, of kind kUsage where the options ask for another type.
c10::Device NetworkDevice(const RunOptions& options);

}  // namespace t3
