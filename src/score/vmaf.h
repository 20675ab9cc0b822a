// VMAF through an ffmpeg that has libvmaf.
#pragma once

#include <memory>
#include <string>

#include "score/metric.h"

namespace t3 {

// setup.program: the ffmpeg, or "" for that in PATH. Throws Error where there is none or it has no
// libvmaf filter.
std::unique_ptr<Metric> OpenVmaf(const MetricSetup& setup);

// The pooled mean of the filter's JSON log. Throws Error that begins with `what` for another text.
double VmafOfLog(const std::string& text, const std::string& what);

}  // namespace t3
