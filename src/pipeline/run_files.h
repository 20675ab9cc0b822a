// The files of a request: which it reads, which it writes, and that no two of them are one.
#pragma once

#include "pipeline/model_info.h"
#include "t3video/request.h"

namespace t3 {

// Throws Error of kind kUsage when a file would be written over an input or over another output,
// kFailed when an input does not exist.
void CheckRunFiles(const ModelInfo& model, const Request& request);

}  // namespace t3
