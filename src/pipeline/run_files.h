// The files of requests: which they read, which they write, and that each has one purpose.
#pragma once

#include "base/file_claims.h"
#include "loading/model_info.h"
#include "t3video/request.h"

namespace t3 {

// Adds the files of one request to `claims`: of an engine's model and all its requests, so that no
// video of a job replaces another. Throws Error of kind kUsage when a file would be written over an
// input or another output, kFailed when an input does not exist.
void ClaimModelFiles(const ModelInfo& model, FileClaims& claims);
// A video file or a folder of frames.
void ClaimOutput(const std::string& output, FileClaims& claims);
void ClaimRunFiles(const Request& request, FileClaims& claims);

// Every path that the request writes, temporaries aside.
std::vector<std::string> WrittenPaths(const Request& request);

}  // namespace t3
