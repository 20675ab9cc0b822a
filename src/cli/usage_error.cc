// Usual mistakes: unquoted prompts, other programs' flags, typing errors.
#include "cli/usage_error.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/nearest.h"
#include "base/text.h"
#include "cli/config_file.h"

namespace t3 {
namespace {

// Flags of other programs without their dashes, and ours.
const std::map<std::string, std::string>& ForeignFlags() {
  static const std::map<std::string, std::string> flags{{"width", "--size WIDTHxHEIGHT"},
                                                        {"height", "--size WIDTHxHEIGHT"},
                                                        {"W", "--size WIDTHxHEIGHT"},
                                                        {"H", "--size WIDTHxHEIGHT"},
                                                        {"resolution", "--size WIDTHxHEIGHT"},
                                                        {"cfg", "--guidance"},
                                                        {"cfg-scale", "--guidance"},
                                                        {"guidance-scale", "--guidance"},
                                                        {"sample_guide_scale", "--guidance"},
                                                        {"num-frames", "--frames"},
                                                        {"num_frames", "--frames"},
                                                        {"frame_num", "--frames"},
                                                        {"length", "--frames"},
                                                        {"video-frames", "--frames"},
                                                        {"num-inference-steps", "--steps"},
                                                        {"num_inference_steps", "--steps"},
                                                        {"sample_steps", "--steps"},
                                                        {"sample_shift", "--shift"},
                                                        {"flow-shift", "--shift"},
                                                        {"sampling-method", "--sampler"},
                                                        {"scheduler", "--sampler"},
                                                        {"base_seed", "--seed"},
                                                        {"ckpt_dir", "--model"},
                                                        {"ckpt-dir", "--model"},
                                                        {"checkpoint", "--model"},
                                                        {"diffusion-model", "--dit"},
                                                        {"t5xxl", "--text-encoder"},
                                                        {"neg", "--negative-prompt"},
                                                        {"negative", "--negative-prompt"},
                                                        {"init-img", "--image"},
                                                        {"out", "--output"},
                                                        {"save_file", "--output"},
                                                        {"precision", "--dtype"},
                                                        {"gpu", "--device cuda"},
                                                        {"cpu", "--device cpu"}};
  return flags;
}

const CLI::App& ChosenCommand(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

// The first argument that no flag takes; "" where there is none.
std::string FirstUnknown(const CLI::App& app, const std::vector<std::string>& arguments) {
  const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  for (const std::string& argument : arguments) {
    if (std::ranges::find(unknown, argument) != unknown.end()) return argument;
  }
  return unknown.empty() ? "" : unknown.front();
}

std::string MeantFlag(const std::string& word, const CLI::App& command) {
  const std::vector<std::string> known = LongFlags(command);
  const auto foreign = ForeignFlags().find(word.substr(word.find_first_not_of('-')));
  if (foreign == ForeignFlags().end()) return Nearest(word, known);
  const std::string flag = foreign->second.substr(0, foreign->second.find(' '));
  return std::ranges::find(known, flag) == known.end() ? Nearest(word, known) : foreign->second;
}

// A word that follows a prompt was probably meant to be part of it.
std::string Unquoted(const std::string& word, const std::vector<std::string>& arguments) {
  const auto flag = std::ranges::find_if(arguments, [](const std::string& argument) {
    return argument == "--prompt" || argument == "-p" || argument == "--negative-prompt";
  });
  if (flag == arguments.end() || flag + 1 == arguments.end() ||
      std::ranges::find(flag, arguments.end(), word) == arguments.end())
    return "";
  return fmt::format("; a prompt of several words needs quotes: {} \"{} {} ...\"", *flag,
                     *(flag + 1), word);
}

std::string ExplainUnknown(const std::string& argument, const CLI::App& app,
                           const std::vector<std::string>& arguments) {
  const CLI::App& command = ChosenCommand(app);
  const std::string word = argument.substr(0, argument.find('='));
  if (&command == &app) {
    std::vector<std::string> names = LongFlags(app);
    for (const CLI::App* other : app.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(other->get_name());
    return fmt::format("{} is not a command; `t3 help` lists them{}", Quote(word),
                       DidYouMean(word, names));
  }
  if (word.starts_with('-') && word.find_first_not_of('-') != std::string::npos) {
    const std::string meant = MeantFlag(word, command);
    return fmt::format("{} is not a flag of `t3 {}`{}", Quote(word), command.get_name(),
                       meant.empty()
                           ? fmt::format("; `t3 {} --help` lists them", command.get_name())
                           : fmt::format("; did you mean {}?", meant));
  }
  return fmt::format("{} is not a flag or the value of one{}", Quote(argument),
                     Unquoted(argument, arguments));
}

// CLI11 says "files is required" of an argument without a flag, "A subcommand is required", "X was
// given a disallowed flag override" of --X=3, and "--X: At Most 1 required but received 2".
std::string InWords(const CLI::App& command, const std::string& message) {
  constexpr std::string_view kNoValue = " was given a disallowed flag override";
  if (message.ends_with(kNoValue))
    return fmt::format("--{} takes no value", message.substr(0, message.size() - kNoValue.size()));
  const size_t repeated = message.find(": At Most 1 required but received ");
  if (repeated != std::string::npos)
    return fmt::format("{} is given more than once, and takes one value",
                       message.substr(0, repeated));
  constexpr std::string_view kRequired = " is required";
  if (!message.ends_with(kRequired) || message.starts_with('-')) return message;
  const std::string name = message.substr(0, message.size() - kRequired.size());
  if (const CLI::Option* option = command.get_option_no_throw(name)) {
    return fmt::format("`t3 {}` needs {}: {}", command.get_name(), name, option->get_description());
  }
  std::vector<std::string> names;
  for (const CLI::App* inner : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(inner->get_name());
  return fmt::format("`t3 {}` needs one of {}", command.get_name(), fmt::join(names, ", "));
}

}  // namespace

std::string ExplainUsage(const CLI::App& app, const CLI::ParseError& error,
                         const std::vector<std::string>& arguments) {
  // Checked before a flag that is missing: a misspelt flag is missing as well.
  const std::string unknown = FirstUnknown(app, arguments);
  if (!unknown.empty()) return ExplainUnknown(unknown, app, arguments);
  const CLI::App& command = ChosenCommand(app);
  if (&command == &app && arguments.empty()) return "no command was given; `t3 help` lists them";
  return fmt::format("{}; see `t3 {}--help`", InWords(command, error.what()),
                     &command == &app ? "" : command.get_name() + " ");
}

}  // namespace t3
