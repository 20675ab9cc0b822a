// Flags that several subcommands share, and the parsing of their values.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "t3video/options.h"
#include "t3video/request.h"

namespace t3 {

// Values as they stand on the command line, turned into options by the functions below.
struct ModelFlags {
  ModelFiles files;
  std::vector<std::string> loras;  // "FILE" or "FILE:SCALE"
};
struct RunFlags {
  RunFlags() { options.device.clear(); }  // so that the environment can give it
  RunOptions options;
  std::string memory_limit;
  std::string host_memory_limit;
  std::string progress = "auto";
};

void AddModelFlags(CLI::App& app, ModelFlags& flags);
// For commands that run the denoiser.
void AddLoraFlag(CLI::App& app, ModelFlags& flags);
void AddRunFlags(CLI::App& app, RunFlags& flags);
// How a request of any kind denoises.
template <typename R>
void AddSolverFlags(CLI::App& app, R& request) {
  app.add_option("--steps", request.steps, "denoising steps");
  app.add_option("--guidance", request.guidance, "guidance scale; 1 runs one branch");
  app.add_option("--shift", request.shift, "shift of the noise schedule");
  app.add_option("--sampler", request.sampler, "euler or unipc");
}
void AddFileFlags(CLI::App& app, FileOptions& file);

// Without --model and --dit the model is that of the environment variable T3_MODEL_DIR, without
// --device the device that of T3_DEVICE.
ModelFiles ToModelFiles(const ModelFlags& flags);
RunOptions ToRunOptions(const RunFlags& flags);

// "3840x2160" -> (3840, 2160); throws Error of kind kUsage on anything else.
std::pair<int64_t, int64_t> ParseSize(const std::string& text);
// "style.safetensors:0.8" -> path and scale; without a scale it is 1.
Lora ParseLora(const std::string& text);

}  // namespace t3
