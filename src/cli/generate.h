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
  std::string size;
  bool restart = false;
  bool no_save_latents = false;
  bool dry_run = false;
};

void AddGenerateFlags(CLI::App& app, GenerateFlags& flags);

// The seeds of every prompt. Throws Error of kind kUsage where the list is none.
std::vector<uint64_t> SeedsOf(const GenerateFlags& flags);

// Whether several videos are asked for, which makes the output folder a job folder.
bool IsJob(const GenerateFlags& flags);

// Returns the exit code.
int RunGenerate(const GenerateFlags& flags);

}  // namespace t3
