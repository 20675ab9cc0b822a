// t3 completion: scripts for shells, generated from the commands and flags.
#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/streams.h"
#include "t3video/request_options.h"

namespace t3 {
namespace {

// Flags whose values are words of a list; the others take files or numbers.
const std::map<std::string, std::string>& ValueWords() {
  static const std::map<std::string, std::string> words = [] {
    std::map<std::string, std::string> found{{"--progress", "auto live plain json none"}};
    const auto note = [&](const Option& option, const auto&) {
      if (*option.choices != '\0') found[fmt::format("--{}", option.name)] = option.choices;
    };
    const RunOptions options;
    const Request request;
    VisitMachineOptions(options, note);
    VisitRequestOptions(request, note);
    return found;
  }();
  return words;
}

struct Word {
  std::string name;
  std::string description;
  bool takes_value = false;
};

std::vector<const CLI::App*> Commands(const CLI::App& app) {
  const auto all = app.get_subcommands([](const CLI::App*) { return true; });
  return {all.begin(), all.end()};
}

std::vector<Word> FlagsOfCommand(const CLI::App& command) {
  std::vector<Word> words;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      words.push_back({"--" + name, option->get_description(), option->get_type_size() > 0});
    }
  }
  return words;
}

std::string Names(const std::vector<Word>& words) {
  std::string names;
  for (const Word& word : words) names += (names.empty() ? "" : " ") + word.name;
  return names;
}

std::string CommandNames(const CLI::App& app) {
  std::string names;
  for (const CLI::App* command : Commands(app))
    names += (names.empty() ? "" : " ") + command->get_name();
  return names;
}

// 'it'\''s': safe within single quotes of any of the shells.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string BashScript(const CLI::App& app) {
  std::string script =
      "_t3() {\n"
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\" "
      "words=\"\"\n"
      "  case \"$before\" in\n";
  for (const auto& [flag, values] : ValueWords()) {
    script += fmt::format("    {}) COMPREPLY=($(compgen -W {} -- \"$word\")); return ;;\n", flag,
                          Quoted(values));
  }
  script += "  esac\n  case \"$COMP_CWORD,${COMP_WORDS[1]}\" in\n";
  script += fmt::format("    1,*) words={} ;;\n", Quoted(CommandNames(app)));
  for (const CLI::App* command : Commands(app)) {
    script += fmt::format("    *,{}) words={} ;;\n", command->get_name(),
                          Quoted(Names(FlagsOfCommand(*command))));
  }
  return script +
         "  esac\n"
         "  if [[ $COMP_CWORD -eq 1 || \"$word\" == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _t3 t3\n";
}

// "name:description" of _describe, whose colons are escaped.
std::string Described(const std::string& name, const std::string& description) {
  std::string escaped;
  for (const char c : name) escaped += c == ':' ? std::string("\\:") : std::string(1, c);
  return Quoted(escaped + ":" + description);
}

std::string ZshScript(const CLI::App& app) {
  std::string script =
      "#compdef t3\n"
      "_t3() {\n"
      "  local before=\"${words[CURRENT-1]}\" command=\"${words[2]}\"\n"
      "  local -a entries\n"
      "  case \"$before\" in\n";
  for (const auto& [flag, values] : ValueWords())
    script += fmt::format("    {}) compadd -- {}; return ;;\n", flag, values);
  script += "  esac\n  if (( CURRENT == 2 )); then\n    entries=(\n";
  for (const CLI::App* command : Commands(app))
    script += "      " + Described(command->get_name(), command->get_description()) + "\n";
  script += "    )\n    _describe command entries\n    return\n  fi\n  case \"$command\" in\n";
  for (const CLI::App* command : Commands(app)) {
    script += fmt::format("    {}) entries=(\n", command->get_name());
    for (const Word& word : FlagsOfCommand(*command))
      script += "      " + Described(word.name, word.description) + "\n";
    script += "    ) ;;\n";
  }
  return script +
         "  esac\n"
         "  if [[ \"${words[CURRENT]}\" == -* ]]; then _describe flag entries; else _files; fi\n"
         "}\n"
         "if [[ \"${funcstack[1]}\" == _t3 ]]; then _t3; else compdef _t3 t3; fi\n";
}

std::string FishScript(const CLI::App& app) {
  std::string script;
  for (const CLI::App* command : Commands(app)) {
    script += fmt::format("complete -c t3 -n __fish_use_subcommand -f -a {} -d {}\n",
                          command->get_name(), Quoted(command->get_description()));
    for (const Word& word : FlagsOfCommand(*command)) {
      script += fmt::format("complete -c t3 -n '__fish_seen_subcommand_from {}' -l {} -d {}",
                            command->get_name(), word.name.substr(2), Quoted(word.description));
      const auto values = ValueWords().find(word.name);
      if (values != ValueWords().end()) script += " -x -a " + Quoted(values->second);
      if (values == ValueWords().end() && word.takes_value) script += " -r";
      script += '\n';
    }
  }
  return script;
}

}  // namespace

void AddCompletion(CLI::App& app, Action& action) {
  auto shell = std::make_shared<std::string>();
  CLI::App& command =
      *app.add_subcommand("completion", "print a script that completes t3's commands in a shell");
  command.add_option("shell", *shell, "bash, zsh or fish")->required();
  command.callback([shell, &app, &action] {
    action = [shell, &app] {
      const std::vector<std::string> shells{"bash", "zsh", "fish"};
      if (*shell == "bash") {
        PrintResult("{}", BashScript(app));
      } else if (*shell == "zsh") {
        PrintResult("{}", ZshScript(app));
      } else if (*shell == "fish") {
        PrintResult("{}", FishScript(app));
      } else {
        FailUsage("there is no completion for '{}'; wanted bash, zsh or fish{}", *shell,
                  DidYouMean(*shell, shells));
      }
      return 0;
    };
  });
}

}  // namespace t3
