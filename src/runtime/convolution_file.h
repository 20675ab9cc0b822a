// cuDNN's plans that were found the fastest, kept from run to run.
#pragma once

#include <string>

#include "ops/conv/convolution_tuning.h"

namespace t3 {

// What the file holds; empty, with a line in the log, where it is broken or of another format.
// Entries of other machines are kept in it and never match. A file that is not there is empty.
ConvolutionTable ReadConvolutionTable(const std::string& path);

// Adds entries to the file, over those of the same shape and machine, atomically. Throws Error
// where it cannot be written.
void AddToConvolutionTable(const std::string& path, const ConvolutionTable& found);

// Before a decode: the table that comes with the program, and over it that of the cache folder.
// Once a process: a later call keeps what is chosen already.
void UseKeptConvolutionPlans();

// After a decode: what timing found goes to the cache folder. A failure is logged.
void KeepConvolutionPlans();

}  // namespace t3
