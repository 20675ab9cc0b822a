// Flags that several subcommands share, generated from the options' declarations.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "t3video/options.h"
#include "t3video/request.h"
#include "t3video/request_options.h"

namespace t3 {

struct ModelFlags {
  ModelFiles files;
};
struct RunFlags {
  RunFlags() { options.device.clear(); }  // so that the environment can give it
  RunOptions options;
  std::string progress = "auto";
};

// What sets an option from text.
using OptionParser = std::function<void(const std::string& text)>;
CLI::Option* AddTextFlag(CLI::App& app, const Option& option, OptionParser parse);
CLI::Option* AddRepeatedFlag(CLI::App& app, const Option& option,
                             std::function<void(const std::vector<std::string>&)> parse);
CLI::Option* AddSwitch(CLI::App& app, const Option& option, bool& value);

// The first of several seeds, from 0 to 2^64-1: -1, which draws one elsewhere, is refused.
CLI::Option* AddSeedFlag(CLI::App& app, const char* name, const char* help, uint64_t& value);

// The flag of an option, in its group, with its default.
template <typename T>
CLI::Option* AddOptionFlag(CLI::App& app, const Option& option, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return AddSwitch(app, option, value);
  } else if constexpr (std::is_same_v<T, std::vector<Lora>> ||
                       std::is_same_v<T, std::optional<std::vector<Lora>>>) {
    return AddRepeatedFlag(app, option, [option, &value](const std::vector<std::string>& texts) {
      value = T();
      for (const std::string& text : texts) ParseOption(option, text, value);
    });
  } else {
    return AddTextFlag(app, option, [option, &value](const std::string& text) {
      ParseOption(option, text, value);
    });
  }
}

void AddModelFlags(CLI::App& app, ModelFlags& flags);
// For commands that run the denoiser.
void AddLoraFlags(CLI::App& app, ModelFlags& flags);
// For commands that decode.
void AddDecoderFlag(CLI::App& app, ModelFlags& flags);
void AddRunFlags(CLI::App& app, RunFlags& flags);
// For commands whose work several GPUs share.
void AddGpusFlag(CLI::App& app, RunFlags& flags);
// Those of `names`, or all of them.
void AddGenerationFlags(CLI::App& app, GenerationParams& params,
                        const std::vector<std::string>& names = {});
void AddFileFlags(CLI::App& app, FileOptions& file);

// Without --model and --dit the model is that of the environment variable T3_MODEL_DIR, without
// --device the device that of T3_DEVICE.
ModelFiles ToModelFiles(const ModelFlags& flags);
RunOptions ToRunOptions(const RunFlags& flags);

// A message of the library with its options as flags: "`steps` 0 is outside 1 to 1000" ->
// "--steps 0 is outside 1 to 1000".
std::string WithFlags(const std::string& message);

}  // namespace t3
