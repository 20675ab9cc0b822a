// The flags of t3 generate, which a settings file gives as well.
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
  std::string shard;        // "2/8"; empty: every prompt with every seed
  std::string seeds;        // "0,1,2"; empty: the request's
  bool draws_seed = false;  // --seed -1: the request's seed was drawn
  bool restart = false;
  bool dry_run = false;
};

void AddGenerateFlags(CLI::App& app, GenerateFlags& flags);

// Flags from an object as of SettingsJson; `source` is for messages.
GenerateFlags FlagsOf(const std::string& settings, const std::string& source);

// The seeds of every prompt, as they were given: "-1" is one to draw. Throws Error of kind kUsage
// where --seeds is not a list.
std::vector<std::string> SeedTexts(const GenerateFlags& flags);

// Whether several videos are requested; the output folder is then a job folder.
bool IsJob(const GenerateFlags& flags);

}  // namespace t3
