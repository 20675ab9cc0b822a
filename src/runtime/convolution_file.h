// The fastest cuDNN plans that earlier runs found, stored in a file.
#pragma once

#include <string>

#include "ops/conv/convolution_tuning.h"

namespace t3 {

// What the file holds; empty, with a line in the log, where it is broken or of another format.
// Entries of other machines stay in it and never match. A missing file is an empty table.
ConvolutionTable ReadConvolutionTable(const std::string& path);

// Adds entries to the file, over those of the same shape and machine, atomically. Throws Error
// where it cannot be written or is not such a table.
void AddToConvolutionTable(const std::string& path, const ConvolutionTable& found);

// Throws Error when the file exists and is not such a table: nothing can be added to it.
void CheckConvolutionTable(const std::string& path);

// Before a decode, on every rank of it: the table that comes with the program, and over it that of
// the cache folder, also for heights near those of the tables. Once per process: a later call has
// no effect.
void UseKeptConvolutionPlans();

// After a decode: what timing found goes to the cache folder. A failure is logged.
void KeepConvolutionPlans();

}  // namespace t3
