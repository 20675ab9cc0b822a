// Generates the samples of a step through the Engine, as t3 generate would.
#include "training/dit/samples.h"

#include <filesystem>

#include "base/check.h"
#include "t3video/engine.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

fs::path SampleFolder(const DitTrainConfig& config, int64_t step) {
  return fs::path(config.output) / "samples" / fmt::format("step-{}", step);
}

std::string SamplePath(const DitTrainConfig& config, int64_t step, size_t prompt) {
  return (SampleFolder(config, step) / fmt::format("{}.mp4", prompt)).string();
}

bool IsMissing(const DitTrainConfig& config, int64_t step, size_t prompt) {
  std::error_code ignored;
  return !fs::exists(SamplePath(config, step, prompt), ignored);
}

Request SampleRequest(const DitTrainConfig& config, int64_t step, size_t prompt) {
  const SampleConfig& samples = config.samples;
  Request request;
  request.prompt = samples.prompts[prompt];
  request.params = samples.params;
  request.seed = static_cast<uint64_t>(samples.seed);
  request.output.path = SamplePath(config, step, prompt);
  // The state of an interrupted sample names a model file that has been written again since.
  request.checkpoint.existing_state = ExistingState::kDiscard;
  return request;
}

}  // namespace

bool SamplesMissing(const DitTrainConfig& config, int64_t step) {
  for (size_t i = 0; i < config.samples.prompts.size(); ++i) {
    if (IsMissing(config, step, i)) return true;
  }
  return false;
}

void WriteSamples(const DitTrainConfig& config, int64_t step, bool missing_only,
                  const RunContext& context) {
  const fs::path folder = SampleFolder(config, step);
  if (!missing_only) fs::remove_all(folder);
  fs::create_directories(folder);
  std::vector<Request> requests;
  for (size_t i = 0; i < config.samples.prompts.size(); ++i) {
    if (IsMissing(config, step, i)) requests.push_back(SampleRequest(config, step, i));
  }
  ModelFiles files;
  files.model = config.output;
  RunOptions options;
  options.device = config.device;
  options.dtype = config.dtype;
  Engine engine(files, options);
  for (const Outcome& outcome : engine.GenerateAll(requests, context.progress, context.cancel)) {
    if (outcome.error) std::rethrow_exception(outcome.error);
  }
}

}  // namespace t3
