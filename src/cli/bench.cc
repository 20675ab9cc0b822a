// t3 bench: dit, attention, vae, encode, file.
#include "t3video/bench.h"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>

#include "base/bytes.h"
#include "base/check.h"
#include "cli/bench_text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

struct BenchFlags {
  BenchRequest request;
  std::string size;
  std::string dtype = "auto";
  std::string memory_limit;
  bool no_compare = false;
  bool no_bf16 = false;
  bool json = false;
};

template <typename R>
void SetSize(const std::string& text, R& request) {
  if (text.empty()) return;
  const VideoSize size = ParseSize(text);
  request.width = size.width;
  request.height = size.height;
}

template <typename Result, typename Request>
using BenchFn = Result (*)(const Request&, const ProgressFn&, const CancelToken*);

template <typename Result, typename Request>
int ShowBench(ProgressStyle style, bool json, BenchFn<Result, Request> bench,
              const Request& request) {
  Terminal terminal(style);
  const Result result = bench(request, terminal.Progress(), &CancelOnSignals());
  terminal.EndLine();
  PrintResult("{}", json ? BenchJson(result, request) + "\n" : BenchText(result, request));
  return 0;
}

template <typename Result>
int RunBench(const BenchFlags& flags, BenchFn<Result, BenchRequest> bench) {
  BenchRequest request = flags.request;
  request.compare = !flags.no_compare && !flags.no_bf16;
  request.bf16 = !flags.no_bf16;
  if (!flags.memory_limit.empty()) request.memory_limit = ParseBytes(flags.memory_limit);
  request.dtype = ParseComputeDtype(flags.dtype);
  SetSize(flags.size, request);
  return ShowBench(ParseProgressStyle("auto"), flags.json, bench, request);
}

template <typename Request>
void AddPlansFlags(CLI::App& command, Request& request) {
  auto* plans =
      command.add_option("--plans", request.plans,
                         "file of the fastest plans of products, attention and convolutions");
  command.add_flag("--save-plans", request.save, "add what was found to the file of --plans")
      ->needs(plans);
}

template <typename Result>
std::shared_ptr<BenchFlags> AddOne(CLI::App& parent, const char* name, const char* description,
                                   BenchFn<Result, BenchRequest> bench, Action& action) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App& command = *parent.add_subcommand(name, description);
  BenchRequest& request = flags->request;
  command.add_option("--preset", request.preset, "sizes of the model, with random weights")
      ->capture_default_str();
  command.add_option("--size", flags->size,
                     "WIDTHxHEIGHT in pixels (default: the preset's; on a CPU 256x144)");
  command.add_option("--frames", request.frames,
                     "frames, 4n+1 (default: the preset's; on a CPU 17)");
  command.add_option("--windows", request.windows, "window counts \"t,h,w;t,h,w;...\"");
  command.add_option("--device", request.device, "auto, cpu, cuda or cuda:N")
      ->capture_default_str();
  command.add_option("--dtype", flags->dtype, "auto, bf16, fp32 or fp8")->capture_default_str();
  command.add_option("--memory-limit", flags->memory_limit, "maximum memory to use, e.g. 22GB");
  command.add_option("--repeats", request.repeats,
                     "number of timed runs; the median is reported (default: 20; on a CPU 3)");
  command.add_flag("--no-compare", flags->no_compare,
                   "without the published algorithm and full attention");
  AddPlansFlags(command, request);
  command.add_flag("--json", flags->json, "print JSON");
  command.callback(
      [flags, bench, &action] { action = [flags, bench] { return RunBench(*flags, bench); }; });
  return flags;
}

// The flags of a run, but for the host memory limit: a benchmark reports what it takes, unlimited.
void AddBenchRunFlags(CLI::App& command, RunFlags& flags) {
  AddRunFlags(command, flags);
  command.remove_option(command.get_option("--host-memory-limit"));
}

// What the benchmarks of a VAE's halves share, in two parts: each has its choice of files between.
template <typename Request>
CLI::Option* AddVaePresetFlag(CLI::App& command, Request& request) {
  return command.add_option("--preset", request.preset, "whose VAE: wan2.1-1.3b or wan2.2-5b")
      ->capture_default_str();
}

template <typename Request>
void AddVaeSizeFlags(CLI::App& command, Request& request, std::string& size, const char* repeats) {
  command.add_option("--size", size,
                     "WIDTHxHEIGHT in pixels (default: 3840x2176; on a CPU 256x144)");
  command.add_option("--frames", request.frames, "frames, 4n+1 (default: 81; on a CPU 17)");
  command.add_option("--repeats", request.repeats, repeats)->capture_default_str();
}

struct VaeBenchFlags {
  VaeBenchRequest request;
  RunFlags run;
  std::string size;
  bool json = false;
};

int RunVaeBench(const VaeBenchFlags& flags) {
  VaeBenchRequest request = flags.request;
  request.options = ToRunOptions(flags.run);
  SetSize(flags.size, request);
  return ShowBench(ParseProgressStyle(flags.run.progress), flags.json, BenchVae, request);
}

void AddVaeBench(CLI::App& parent, Action& action) {
  auto flags = std::make_shared<VaeBenchFlags>();
  VaeBenchRequest& request = flags->request;
  CLI::App& command = *parent.add_subcommand(
      "vae",
      "decode random latents: this decoder, its reference over libtorch, the published tiles");
  auto* preset = AddVaePresetFlag(command, request);
  command
      .add_option("--vae", request.vae,
                  "file of a VAE or TAEHV to time in place of a preset's VAE with random weights")
      ->excludes(preset);
  AddVaeSizeFlags(command, request, flags->size, "runs of each method");
  command
      .add_option(
          "--methods", request.methods,
          "decoding methods: planned, plain, tiled (a TAEHV has planned only); separated by "
          "commas or spaces")
      ->delimiter(',')
      ->default_str("all that the decoder has");
  command.add_option("--tiles", request.tiles,
                     "run so many of the published tiles and scale their time (default: all)");
  command.add_option("--plain-frames", request.plain_frames,
                     "run so many frames of the method plain and scale their time (default: all)");
  command
      .add_option("--cudnn-choices", request.cudnn_choices,
                  "cuDNN plans to time for each convolution that --plans does not name; 1: its "
                  "first, 0: libtorch's convolutions")
      ->capture_default_str();
  AddPlansFlags(command, request);
  command.add_flag("--parts", request.parts,
                   "decode once more, by the plan, and report where the time goes");
  command.add_flag("--check", request.check,
                   "first compare every convolution of a short decode with libtorch's");
  AddBenchRunFlags(command, flags->run);
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags, &action] { action = [flags] { return RunVaeBench(*flags); }; });
}

struct EncodeBenchFlags {
  EncodeBenchRequest request;
  RunFlags run;
  std::string size;
  bool no_compare = false;
  bool json = false;
};

int RunEncodeBench(const EncodeBenchFlags& flags) {
  EncodeBenchRequest request = flags.request;
  request.options = ToRunOptions(flags.run);
  request.compare = !flags.no_compare;
  SetSize(flags.size, request);
  return ShowBench(ParseProgressStyle(flags.run.progress), flags.json, BenchEncode, request);
}

void AddEncodeBench(CLI::App& parent, Action& action) {
  auto flags = std::make_shared<EncodeBenchFlags>();
  EncodeBenchRequest& request = flags->request;
  CLI::App& command = *parent.add_subcommand(
      "encode", "encode a moving picture, as a clip to refine is, and compare with fp32");
  auto* preset = AddVaePresetFlag(command, request);
  command
      .add_option(
          "-m,--model", request.files.model,
          "model folder, or demo, whose VAE to time in place of a preset's with random weights")
      ->excludes(preset);
  AddVaeSizeFlags(command, request, flags->size, "runs in each dtype");
  command.add_flag("--no-compare", flags->no_compare, "without encoding in fp32");
  command.add_flag("--parts", request.parts, "encode once more and report where the time goes");
  AddBenchRunFlags(command, flags->run);
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags, &action] { action = [flags] { return RunEncodeBench(*flags); }; });
}

struct FileBenchFlags {
  FileBenchRequest request;
  ModelFlags model;
  RunFlags run;
  bool json = false;
};

int RunFileBench(const FileBenchFlags& flags) {
  FileBenchRequest request = flags.request;
  request.files = ToModelFiles(flags.model);
  request.options = ToRunOptions(flags.run);
  return ShowBench(ParseProgressStyle(flags.run.progress), flags.json, BenchFile, request);
}

void AddFileBench(CLI::App& parent, Action& action) {
  auto flags = std::make_shared<FileBenchFlags>();
  FileBenchRequest& request = flags->request;
  CLI::App& command = *parent.add_subcommand(
      "file", "latents to a video file: decoder and encoder alone and together");
  command.add_option("latents", request.latents, "safetensors file with tensor `latents`")
      ->required();
  AddModelFlags(command, flags->model);
  AddDecoderFlag(command, flags->model);
  command.add_option("--output", request.output, "video file to write")->required();
  command.add_flag("--overwrite", request.overwrite,
                   "replace an output that was not decoded from the same latents");
  AddFileFlags(command, request.file);
  command.add_option("--last-frame", request.file.last_frame, "of the video, counted from 1");
  command.add_option("--repeats", request.repeats, "number of runs; the best is reported")
      ->capture_default_str();
  AddBenchRunFlags(command, flags->run);
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags, &action] { action = [flags] { return RunFileBench(*flags); }; });
}

}  // namespace

void AddBench(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand("bench", "measure this machine with random weights");
  command.require_subcommand(1);
  const auto dit =
      AddOne(command, "dit", "a forward of the denoiser and where its time goes", BenchDit, action);
  command.get_subcommand("dit")->add_flag(
      "--no-bf16", dit->no_bf16,
      "with --dtype fp8: fp8 alone, and no weights in bf16 in memory; implies --no-compare");
  AddOne(command, "attention", "self-attention of each layer type", BenchAttention, action);
  AddVaeBench(command, action);
  AddEncodeBench(command, action);
  AddFileBench(command, action);
}

}  // namespace t3
