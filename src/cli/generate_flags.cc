// Flags of t3 generate.
#include "cli/generate_flags.h"

#include <algorithm>

#include "base/check.h"
#include "cli/config_file.h"
#include "t3video/request_options.h"

namespace t3 {
namespace {

// What is about the command, not about a video.
void AddJobFlags(CLI::App& app, GenerateFlags& flags) {
  CLI::Option* file =
      app.add_option("--prompt-file", flags.prompt_file,
                     "list of prompts: JSON, JSON lines, CSV with a header, or text; outputs are "
                     "numbered")
          ->group("Prompt");
  file->excludes(app.get_option("--prompt"))->excludes(app.get_option("--text-embeds"));
  app.add_option("--shard", flags.shard,
                 "I/N: only videos I, I+N, ... of all prompts and seeds; the others are for other "
                 "processes")
      ->group("Prompt");
  app.add_option("--seeds", flags.seeds, "several seeds, \"0,1,2\": a numbered video for each")
      ->group("Sampling")
      ->excludes(app.get_option("--seed"));
  app.add_flag("--restart", flags.restart,
               "start again when an earlier run left its state or its finished video")
      ->group("Checkpoints and previews");
  app.add_flag("--dry-run", flags.dry_run, "report what would be done, and exit");
}

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

}  // namespace

void AddGenerateFlags(CLI::App& app, GenerateFlags& flags) {
  VisitRequestOptions(flags.request, [&](const Option& option, auto& value) {
    if constexpr (std::is_same_v<decltype(value), std::optional<uint64_t>&>) {
      AddTextFlag(app, option, [&flags, option, &value](const std::string& text) {
        ParseOption(option, text, value);
        flags.draws_seed = text == "-1";
      });
    } else {
      AddOptionFlag(app, option, value);
    }
  });
  AddModelFlags(app, flags.model);
  AddDecoderFlag(app, flags.model);
  AddLoraFlags(app, flags.model);
  AddRunFlags(app, flags.run);
  AddGpusFlag(app, flags.run);
  AddJobFlags(app, flags);
}

GenerateFlags FlagsOf(const std::string& settings, const std::string& source) {
  GenerateFlags flags;
  CLI::App app;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  AddGenerateFlags(app, flags);
  std::vector<std::string> arguments = ToArguments(settings, source, app);
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    Fail("the settings in {} cannot be used: {}", source, error.what());
  }
  return flags;
}

std::vector<std::string> SeedTexts(const GenerateFlags& flags) {
  if (flags.seeds.empty()) return {std::to_string(flags.request.seed.value_or(0))};
  std::vector<std::string> seeds;
  for (size_t at = 0; at <= flags.seeds.size();) {
    const size_t end = std::min(flags.seeds.find(',', at), flags.seeds.size());
    seeds.push_back(Trimmed(flags.seeds.substr(at, end - at)));
    if (seeds.back().empty())
      FailUsage("--seeds '{}': wanted seeds separated by commas, such as 0,1,2", flags.seeds);
    ParseSeed(seeds.back());  // throws for what is not a seed
    at = end + 1;
  }
  return seeds;
}

bool IsJob(const GenerateFlags& flags) {
  return !flags.prompt_file.empty() || SeedTexts(flags).size() > 1;
}

}  // namespace t3
