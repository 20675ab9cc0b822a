// Prompt files: JSON in the form of 4K-VBench, or a prompt a line.
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/check.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

using nlohmann::json;

PromptEntry JsonEntry(const json& item, int64_t number) {
  PromptEntry entry{number, "", ""};
  if (item.is_string()) {
    entry.prompt = item.get<std::string>();
  } else if (!item.is_object()) {
    entry.error = fmt::format("it is a JSON {}, wanted a string or an object with \"prompt_en\"",
                              item.type_name());
  } else {
    // A job.json keeps the numbers of the file that it was made from.
    const auto own = item.find("number");
    if (own != item.end() && own->is_number_integer()) entry.number = own->get<int64_t>();
    for (const char* key : {"prompt_en", "prompt"}) {
      const auto found = item.find(key);
      if (found == item.end()) continue;
      if (found->is_string()) {
        entry.prompt = found->get<std::string>();
      } else {
        entry.error = fmt::format("\"{}\" is a JSON {}, wanted a string", key, found->type_name());
      }
      return entry;
    }
    entry.error = "it has neither \"prompt_en\" nor \"prompt\"";
  }
  return entry;
}

std::vector<PromptEntry> JsonEntries(const std::string& path, const std::string& text) {
  json document;
  try {
    document = json::parse(text);
  } catch (const json::exception& error) {
    Fail("cannot read the prompt file {}: {}", path, error.what());
  }
  if (document.is_object() && document.contains("prompts")) document = document["prompts"];
  T3_CHECK(document.is_array(), "the prompt file {} holds a JSON {}, wanted a list of prompts",
           path, document.type_name());
  std::vector<PromptEntry> entries;
  for (const json& item : document) {
    entries.push_back(JsonEntry(item, static_cast<int64_t>(entries.size()) + 1));
  }
  return entries;
}

bool IsUtf8(const std::string& text) {
  try {
    static_cast<void>(json(text).dump());
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

std::vector<PromptEntry> LineEntries(const std::string& text) {
  std::vector<PromptEntry> entries;
  std::istringstream lines(text);
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    const size_t end = line.find_last_not_of(" \t\r");
    PromptEntry entry{number, line.substr(begin, end - begin + 1), ""};
    if (!IsUtf8(entry.prompt)) entry = {number, "", "the line is not UTF-8 text"};
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

std::vector<PromptEntry> ReadPromptFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  T3_CHECK(file.good(), "cannot open the prompt file {}", path);
  std::ostringstream content;
  content << file.rdbuf();
  std::string text = content.str();
  if (text.rfind("\xEF\xBB\xBF", 0) == 0) text.erase(0, 3);
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool json_file = path.size() > 5 && path.compare(path.size() - 5, 5, ".json") == 0;
  const bool text_file = path.size() > 4 && path.compare(path.size() - 4, 4, ".txt") == 0;
  const bool looks_json =
      !text_file && first != std::string::npos && (text[first] == '[' || text[first] == '{');
  std::vector<PromptEntry> entries =
      json_file || looks_json ? JsonEntries(path, text) : LineEntries(text);
  T3_CHECK(!entries.empty(), "the prompt file {} holds no prompt", path);
  return entries;
}

}  // namespace t3
