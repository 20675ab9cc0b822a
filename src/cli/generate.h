// The flags of t3 generate and what they do; t3 resume reads them from a file.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/flags.h"
#include "t3video/request.h"

namespace t3 {

struct GenerateFlags {
  ModelFlags model;
  RunFlags run;
  Request request;
  std::string prompt_file;
  std::string seeds;  // "0,1,2"; empty: the request's
  bool restart = false;
  bool dry_run = false;
};

void AddGenerateFlags(CLI::App& app, GenerateFlags& flags);

// The seeds of every prompt. Throws Error of kind kUsage for anything but a list of seeds.
std::vector<uint64_t> SeedsOf(const GenerateFlags& flags);

// Whether several videos are asked for, which makes the output folder a job folder.
bool IsJob(const GenerateFlags& flags);

// Both return the exit code.
int RunGenerate(const GenerateFlags& flags);
struct BatchJob;
int RunJob(const BatchJob& job);

}  // namespace t3
