// JSON to arguments.
#include "cli/config_file.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/path_text.h"
#include "base/read_text.h"
#include "base/target_path.h"
#include "t3video/request_options.h"
#include "t3video/run.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

ordered_json ParseObject(const std::string& text, const std::string& source) {
  ordered_json object = ParseOrderedJson(text, source, kLongLists);
  T3_CHECK(object.is_object(), "{} holds a JSON {}, wanted an object of flags", source,
           object.type_name());
  return object;
}

bool NamesFile(const std::string& key) {
  static const std::set<std::string> names = [] {
    std::set<std::string> paths;
    const auto add = [&](const Option& option, auto&) {
      if (option.path) paths.insert(option.name);
    };
    ModelFiles files;
    Request request;
    VisitModelOptions(files, add);
    VisitRequestOptions(request, add);
    return paths;
  }();
  return names.contains(key);
}

std::string ScalarText(const ordered_json& value, const std::string& key,
                       const std::string& source) {
  if (value.is_string()) {
    const auto text = value.get<std::string>();
    return NamesFile(key) ? TextToPath(text) : text;
  }
  if (value.is_number()) return value.dump();
  FailUsage("{}: \"{}\" is a JSON {}, wanted a string or a number", source, key, value.type_name());
}

void AddArguments(std::vector<std::string>& arguments, const std::string& key,
                  const ordered_json& value, const std::string& source) {
  if (value.is_boolean()) {
    if (value.get<bool>()) arguments.push_back("--" + key);
    return;
  }
  if (value.is_array() && (key == "seeds" || key == "timesteps" || key == "sigmas")) {
    // One flag with a list.
    std::string list;
    for (const ordered_json& item : value)
      list += (list.empty() ? "" : ",") + ScalarText(item, key, source);
    arguments.insert(arguments.end(), {"--" + key, list});
    return;
  }
  if (value.is_array() && value.empty() && key == "lora") {
    arguments.insert(arguments.end(), {"--lora", "none"});
    return;
  }
  for (const ordered_json& item : value.is_array() ? value : ordered_json::array({value})) {
    arguments.insert(arguments.end(), {"--" + key, ScalarText(item, key, source)});
  }
}

// "-p" -> "--prompt": files are laid under flags by their long names.
std::vector<std::string> WithLongFlags(std::vector<std::string> arguments) {
  const std::map<std::string, std::string> flags{
      {"-m", "--model"}, {"-o", "--output"}, {"-p", "--prompt"}};
  for (std::string& argument : arguments) {
    const auto found = flags.find(argument);
    if (found != flags.end()) argument = found->second;
  }
  return arguments;
}

// "--steps=8" -> "steps"; "" for anything but a long flag.
std::string FlagOf(const std::string& argument) {
  if (!argument.starts_with("--")) return "";
  return argument.substr(2, argument.find('=') - 2);
}

// The value of `flag` on the command line; the last one counts.
std::string ValueOf(const std::vector<std::string>& arguments, const std::string& flag) {
  std::string value;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (FlagOf(arguments[i]) != flag) continue;
    const size_t equals = arguments[i].find('=');
    if (equals != std::string::npos) value = arguments[i].substr(equals + 1);
    if (equals == std::string::npos && i + 1 < arguments.size()) value = arguments[i + 1];
  }
  return value;
}

// Flags of the command line also override the flags that they exclude.
std::set<std::string> Overridden(const std::vector<std::string>& arguments) {
  std::set<std::string> flags;
  for (const std::string& argument : arguments) flags.insert(FlagOf(argument));
  const std::vector<std::set<std::string>> exclusive{{"prompt", "prompt-file", "text-embeds"},
                                                     {"seed", "seeds"},
                                                     {"timesteps", "sigmas", "steps"},
                                                     {"timesteps", "sigmas", "shift"}};
  std::set<std::string> overridden = flags;
  for (const std::set<std::string>& group : exclusive) {
    if (std::ranges::any_of(group, [&](const auto& flag) { return flags.contains(flag); }))
      overridden.insert(group.begin(), group.end());
  }
  return overridden;
}

// A record's settings. With another output, the recorded run's other files are not written again.
ordered_json SettingsOfRecord(const std::string& path, bool own_output) {
  if (!IsJsonFile(path)) return ParseObject(OutputSettings(path), path);
  ordered_json record = ParseObject(ReadText(path), path);
  if (record.contains("prompts")) {
    Fail(
        "{} is a job, not the record of a video; `t3 resume {}` continues the job, and each of its "
        "videos has a record, VIDEO.json",
        path, FolderOf(path).string());
  }
  T3_CHECK(
      record.contains("settings") && record["settings"].is_object(),
      "{} is not a record of t3: it has no object \"settings\"; a file of flags is for --config",
      path);
  ordered_json settings = record["settings"];
  settings.erase("overwrite");  // what to replace is this command's to say
  if (own_output) {
    for (const char* key : {"record", "save-latents", "keep-draft", "preview", "preview-every"})
      settings.erase(key);
  }
  return settings;
}

}  // namespace

bool IsJsonFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char first = 0;
  return file >> first && first == '{';
}

std::vector<std::string> LongFlags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    }
  }
  return flags;
}

std::vector<std::string> ToArguments(const std::string& settings, const std::string& source,
                                     const CLI::App& app) {
  const std::vector<std::string> known = LongFlags(app);
  std::vector<std::string> arguments;
  const ordered_json object = ParseObject(settings, source);
  for (const auto& item : object.items()) {
    if (item.key() == "config" || item.key() == "from") {
      FailUsage("{}: \"{}\" is for the command line, not for a file", source, item.key());
    }
    if (std::ranges::find(known, "--" + item.key()) == known.end()) {
      FailUsage("{}: \"{}\" is not a flag of t3 generate{}", source, item.key(),
                DidYouMean("--" + item.key(), known));
    }
    AddArguments(arguments, item.key(), item.value(), source);
  }
  return arguments;
}

std::vector<std::string> LayUnderFiles(const std::vector<std::string>& given, const CLI::App& app) {
  const std::vector<std::string> arguments = WithLongFlags(given);
  const auto command = std::ranges::find(arguments, "generate");
  const std::string config = ValueOf(arguments, "config");
  const std::string from = ValueOf(arguments, "from");
  if (command == arguments.end() || (config.empty() && from.empty())) return arguments;
  const std::set<std::string> own = Overridden(arguments);
  ordered_json settings = ordered_json::object();
  if (!from.empty()) settings = SettingsOfRecord(from, own.contains("output"));
  if (!config.empty()) settings.update(ParseObject(ReadText(config), config));
  for (const std::string& flag : own) settings.erase(flag);
  const std::vector<std::string> under =
      ToArguments(DumpJson(settings), config.empty() ? from : config, app);
  std::vector<std::string> all(arguments.begin(), command + 1);
  all.insert(all.end(), under.begin(), under.end());
  all.insert(all.end(), command + 1, arguments.end());
  return all;
}

}  // namespace t3
