// Recognises weight files, and names what other files appear to be.
#pragma once

#include <string>

#include "weights/byte_reader.h"

namespace t3 {

enum class FileKind { kSafetensors, kShardIndex, kTorchZip, kTorchLegacy, kGguf, kUnknown };

// The supported format that the first bytes belong to.
FileKind RecogniseFile(Bytes file);

// For kUnknown: "it is an HTML page; ..." and what to do about it.
std::string DescribeUnknown(Bytes file);

}  // namespace t3
