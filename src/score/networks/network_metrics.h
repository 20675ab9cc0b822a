// The groups of metrics that need a network, each opened from the file that the user named.
#pragma once

#include <memory>

#include "score/metric.h"

namespace t3 {

// Each throws Error that names the file where it is not the network's, and where the device is not
// there. Networks compute in fp32.
std::unique_ptr<Metric> OpenClipText(const MetricSetup& setup);
std::unique_ptr<Metric> OpenClipAesthetic(const MetricSetup& setup);
std::unique_ptr<Metric> OpenDover(const MetricSetup& setup);
std::unique_ptr<Metric> OpenMusiq(const MetricSetup& setup);

}  // namespace t3
