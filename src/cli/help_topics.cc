// t3 help TOPIC.
#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/nearest.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/help_text.h"
#include "cli/streams.h"

namespace t3 {
namespace {

void PrintTopics(const CLI::App& app) {
  PrintResult("t3 help TOPIC, where TOPIC is a command or one of\n");
  for (const HelpTopic& topic : kHelpTopics)
    PrintResult("  {:<12} {}\n", topic.name, topic.summary);
  PrintResult("\ncommands\n");
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    PrintResult("  {:<12} {}\n", command->get_name(), command->get_description());
}

std::vector<CLI::App*> CommandsOf(CLI::App& app) {
  return app.get_subcommands([](CLI::App*) { return true; });
}

// "bench dit" -> that command and, in `parents`, "t3 bench"; nullptr where there is none.
CLI::App* FindCommand(CLI::App& app, const std::vector<std::string>& words, std::string& parents) {
  CLI::App* found = &app;
  for (const std::string& word : words) {
    parents += (parents.empty() ? "" : " ") + found->get_name();
    const std::vector<CLI::App*> commands = CommandsOf(*found);
    const auto named = std::ranges::find(
        commands, word, [](const CLI::App* command) { return command->get_name(); });
    if (named == commands.end()) return nullptr;
    found = *named;
  }
  return found;
}

// `words` may be given as one argument or several.
int PrintTopic(CLI::App& app, const std::vector<std::string>& words) {
  const std::string name = fmt::format("{}", fmt::join(words, " "));
  const auto topic = std::ranges::find(kHelpTopics, name, &HelpTopic::name);
  std::string parents;
  const CLI::App* command = FindCommand(app, words, parents);
  // "resume" is both.
  if (topic != kHelpTopics.end())
    PrintResult("{}\n\n{}{}", topic->summary, topic->text, command == nullptr ? "" : "\n");
  if (command != nullptr) PrintResult("{}", command->help(parents));
  if (topic != kHelpTopics.end() || command != nullptr) return 0;
  std::vector<std::string> names;
  for (const CLI::App* known : CommandsOf(app)) names.push_back(known->get_name());
  for (const HelpTopic& entry : kHelpTopics) names.emplace_back(entry.name);
  FailUsage("there is no topic {}; `t3 help` lists them{}", Quote(name), DidYouMean(name, names));
}

std::vector<std::string> WordsOf(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (const std::string& argument : arguments) {
    std::istringstream stream(argument);
    for (std::string word; stream >> word;) words.push_back(word);
  }
  return words;
}

}  // namespace

void AddHelp(CLI::App& app, Action& action) {
  auto topic = std::make_shared<std::vector<std::string>>();
  CLI::App& command = *app.add_subcommand("help", "explain a topic or a command");
  command.add_option("topic", *topic, "topic or command; `t3 help` lists them");
  command.callback([topic, &app, &action] {
    action = [topic, &app] {
      if (!topic->empty()) return PrintTopic(app, WordsOf(*topic));
      PrintTopics(app);
      return 0;
    };
  });
}

}  // namespace t3
