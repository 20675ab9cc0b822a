// A run's log as a picture for a browser.
#pragma once

#include <string>
#include <vector>

#include "training/loop/train_log.h"

namespace t3 {

// Loss, validation loss where there is one, gradient norm, learning rate and samples per second
// over steps, as panels of one self-contained SVG: a thin line of the values and, for losses and
// gradients, a thick one of their running mean. Long runs are drawn as means of equal spans.
std::string DrawCurves(const std::vector<LogEntry>& entries);

// Writes it atomically; throws Error when it cannot.
void WriteCurves(const std::string& path, const std::vector<LogEntry>& entries);

}  // namespace t3
