// t3 serve.
#include <unistd.h>

#include <CLI/App.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "base/parse_number.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/streams.h"
#include "serve/api_keys.h"
#include "serve/open_message.h"
#include "serve/server.h"

namespace t3 {
namespace {

struct ServeFlags {
  ModelFlags model;
  RunFlags run;
  serve::ServerOptions server;
  int64_t gpus = 0;
  std::string create_key;
};

// $XDG_DATA_HOME/t3video, else ~/.local/share/t3video.
std::string UsualDataFolder() {
  if (const char* folder = std::getenv("XDG_DATA_HOME"); folder != nullptr && *folder == '/')
    return std::string(folder) + "/t3video";
  const char* home = std::getenv("HOME");
  if (home == nullptr) FailUsage("there is no home folder for the data; give --data DIR");
  return std::string(home) + "/.local/share/t3video";
}

// "demo", or the last part of the model's path.
std::string NameOf(const ModelFiles& files) {
  if (!files.model.empty()) {
    const auto path = std::filesystem::path(files.model).lexically_normal();
    return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
  }
  return std::filesystem::path(files.dit).stem().string();
}

// A path in a message must mean the same to a worker, wherever it runs.
void MakeAbsolute(ModelFiles& files) {
  VisitModelOptions(files, [](const Option& option, auto& member) {
    if constexpr (std::is_same_v<decltype(member), std::string&>) {
      const bool name = std::string(option.name) == "model" && member == "demo";
      if (!member.empty() && !name) member = std::filesystem::absolute(member).string();
    }
  });
  const auto make_absolute = [](std::vector<Lora>& loras) {
    for (Lora& lora : loras) lora.path = std::filesystem::absolute(lora.path).string();
  };
  if (files.loras) make_absolute(*files.loras);
  make_absolute(files.added_loras);
}

int RunServe(const ServeFlags& flags) {
  serve::ServerOptions server = flags.server;
  if (server.data.empty()) server.data = UsualDataFolder();
  if (!flags.create_key.empty()) {
    WriteResult(serve::CreateKey(serve::KeysFile(server), flags.create_key) + "\n");
    return 0;
  }
  ModelFiles files = ToModelFiles(flags.model);
  if (files.model.empty() && files.dit.empty())
    FailUsage("no model was given; use --model DIR, or --model demo for the shipped one");
  std::error_code ignored;
  if (!server.loras.empty() && !std::filesystem::is_directory(server.loras, ignored))
    FailUsage("--loras {} is not a folder", server.loras);
  server.model = NameOf(files);
  if (!server.loras.empty()) server.loras = std::filesystem::absolute(server.loras).string();
  MakeAbsolute(files);
  RunOptions options = ToRunOptions(flags.run);
  if (flags.gpus > 0 && options.device != "auto" && options.device != "cuda")
    FailUsage("--gpus takes several GPUs, and --device {} is one device", options.device);
  for (int64_t gpu = 0; gpu < std::max<int64_t>(flags.gpus, 1); ++gpu) {
    if (flags.gpus > 0) options.device = fmt::format("cuda:{}", gpu);
    server.workers.push_back(serve::OpenMessage(files, options));
  }
  serve::RunServer(server);
  return 0;
}

void AddBytesFlag(CLI::App& app, const std::string& name, int64_t& value, const std::string& help) {
  app.add_option_function<std::string>(
         name, [&value](const std::string& text) { value = ParseBytes(text); }, help)
      ->group("Limits")
      ->default_str(value == 0 ? "no limit" : FormatBytes(value));
}

void AddServerFlags(CLI::App& app, ServeFlags& flags) {
  serve::ServerOptions& server = flags.server;
  const char* group = "Server";
  app.add_option("--data", server.data, "folder for jobs, their files and the keys")
      ->group(group)
      ->default_str("$XDG_DATA_HOME/t3video");
  app.add_option("--host", server.host,
                 "address to listen on; other than a loopback one only with API keys")
      ->group(group)
      ->capture_default_str();
  app.add_option("--port", server.port, "port to listen on; 0 takes a free one")
      ->group(group)
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--gpus", flags.gpus, "number of GPUs, with a worker on each")
      ->group(group)
      ->check(CLI::Range(1, 64))
      ->default_str("one worker on --device");
  app.add_option("--keys", server.keys, "file of API keys")
      ->group(group)
      ->default_str("keys in the data folder");
  app.add_option("--create-key", flags.create_key,
                 "create an API key of this name, print it and exit")
      ->group(group);
  app.add_option("--loras", server.loras, "folder of LoRAs that requests may name")->group(group);
  app.add_flag("--log-prompts", server.log_prompts, "write prompts to the log")->group(group);
}

// CLI::Range takes NaN.
CLI::Validator FiniteRange(double min, double max) {
  const auto fault = [min, max](const std::string& text) {
    const std::optional<double> value = ParseNumber<double>(text);
    const bool fits = value && *value >= min && *value <= max;
    return fits ? "" : fmt::format("{} is outside {} to {}", text, min, max);
  };
  return {fault, ""};
}

void AddLimitFlags(CLI::App& app, serve::Limits& limits) {
  const auto count = [&](const std::string& name, int64_t& value, const std::string& help) {
    app.add_option(name, value, help)
        ->group("Limits")
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
        ->capture_default_str();
  };
  count("--max-pixels", limits.max_pixels, "pixels of a frame");
  count("--max-frames", limits.max_frames, "frames of a video");
  count("--max-steps", limits.max_steps, "denoising steps");
  AddBytesFlag(app, "--max-upload", limits.max_upload_bytes, "bytes of an uploaded file");
  count("--max-queue", limits.max_queue, "jobs that wait");
  count("--max-queue-per-key", limits.max_queue_per_key, "jobs of one API key that wait");
  app.add_option("--max-per-minute", limits.max_per_minute,
                 "submissions of one API key in a minute; 0: no limit")
      ->group("Limits")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->capture_default_str();
  count("--max-connections", limits.max_connections, "connections at a time");
  AddBytesFlag(app, "--min-free", limits.min_free_bytes,
               "free bytes of the disk below which nothing is accepted or begun");
  app.add_option("--keep-days", limits.keep_days, "days after which a finished job is removed")
      ->group("Limits")
      ->check(FiniteRange(0, 36500))
      ->default_str("never");
  AddBytesFlag(app, "--keep-size", limits.keep_bytes,
               "bytes of finished jobs above which the oldest are removed");
}

}  // namespace

void AddServe(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App& command =
      *app.add_subcommand("serve", "make videos for others: an HTTP server with a web page");
  AddServerFlags(command, *flags);
  AddLimitFlags(command, flags->server.limits);
  AddModelFlags(command, flags->model);
  AddDecoderFlag(command, flags->model);
  AddLoraFlags(command, flags->model);
  AddRunFlags(command, flags->run);
  command.remove_option(command.get_option("--progress"));  // the log is always JSON
  command.callback([flags, &action] { action = [flags] { return RunServe(*flags); }; });
}

}  // namespace t3
