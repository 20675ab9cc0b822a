// A run's log as a picture that a browser opens.
#pragma once

#include <string>
#include <vector>

#include "training/train_log.h"

namespace t3 {

// Loss, gradient norm, learning rate and samples a second over steps, each as a panel of one
// self-contained SVG: a thin line of the values and, for the first two, a thick one of their
// running mean. Long runs are drawn as means of equal spans.
std::string DrawCurves(const std::vector<LogEntry>& entries);

// Writes it, whole or not at all; throws Error when it cannot.
void WriteCurves(const std::string& path, const std::vector<LogEntry>& entries);

}  // namespace t3
