// Prompt files: JSON as of 4K-VBench, JSON lines, tables, or one prompt per line.
#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/check.h"
#include "base/json.h"
#include "base/lower_case.h"
#include "base/read_text.h"
#include "base/text.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

constexpr std::array<const char*, 2> kPromptNames{"prompt_en",
                                                  "prompt"};  // the first that is there

PromptEntry Unusable(int64_t number, std::string why) { return {number, "", std::move(why), {}}; }

// "Negative_Prompt" -> "negative-prompt": spreadsheets begin their columns with capitals.
std::string OptionName(std::string field) {
  std::ranges::replace(field, '_', '-');
  return AsciiLowerCase(field);
}

// A field as a flag would be given it.
std::string OptionText(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : DumpJson(value);
}

// Of the names that stand for the prompt, in letters of either case, the first that `names` has; ""
// where there is none.
std::string PromptName(const std::vector<std::string>& names) {
  for (const char* wanted : kPromptNames) {
    const auto found = std::ranges::find_if(
        names, [&](const std::string& name) { return AsciiLowerCase(name) == wanted; });
    if (found != names.end()) return *found;
  }
  return "";
}

std::string PromptKey(const ordered_json& item) {
  std::vector<std::string> names;
  for (const auto& field : item.items()) names.push_back(field.key());
  return PromptName(names);
}

// Takes "number", which job.json copies from the prompt file, out of `options`.
void TakeNumber(PromptEntry& entry) {
  const auto found =
      std::ranges::find(entry.options, "number", [](const auto& o) { return o.first; });
  if (found == entry.options.end()) return;
  const std::string text = found->second;
  entry.options.erase(found);
  const bool digits = !text.empty() && text.size() <= 9 &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  if (digits) {
    entry.number = std::stoll(text);
  } else {
    entry =
        Unusable(entry.number, fmt::format("\"number\" is {}, wanted a whole number", Quote(text)));
  }
}

bool Names(const PromptEntry& entry, const char* name) {
  return std::ranges::find(entry.options, name, [](const auto& o) { return o.first; }) !=
         entry.options.end();
}

// Combines the fields "width" and "height" to the option "size".
void CombineSize(PromptEntry& entry) {
  const bool width = Names(entry, "width"), height = Names(entry, "height");
  if (!width && !height) return;
  if (width != height) {
    entry = Unusable(entry.number,
                     width ? "it has a width without a height" : "it has a height without a width");
    return;
  }
  if (Names(entry, "size")) {
    entry = Unusable(entry.number, "it has a size and a width and height; give one of the two");
    return;
  }
  const auto take = [&](const char* name) {
    const auto found =
        std::ranges::find(entry.options, name, [](const auto& o) { return o.first; });
    std::string text = found->second;
    entry.options.erase(found);
    return text;
  };
  const std::string text = take("width");
  entry.options.emplace_back("size", text + "x" + take("height"));
}

// The first field that an entry names twice, in other letters; "" where there is none.
std::string Repeated(const PromptEntry& entry) {
  std::set<std::string> names;
  for (const auto& [name, text] : entry.options) {
    if (!names.insert(name).second) return name;
  }
  return "";
}

PromptEntry JsonEntry(const ordered_json& item, int64_t number) {
  if (item.is_string()) return {number, item.get<std::string>(), "", {}};
  if (!item.is_object()) {
    return Unusable(number, fmt::format("it is a JSON {}, wanted a string or an object with "
                                        "\"prompt_en\"",
                                        item.type_name()));
  }
  const std::string name = PromptKey(item);
  if (name.empty()) return Unusable(number, "it has neither \"prompt_en\" nor \"prompt\"");
  if (!item[name].is_string()) {
    return Unusable(
        number, fmt::format("\"{}\" is a JSON {}, wanted a string", name, item[name].type_name()));
  }
  PromptEntry entry{number, item[name].get<std::string>(), "", {}};
  for (const auto& [key, value] : item.items()) {
    if (key != name && !value.is_null())
      entry.options.emplace_back(OptionName(key), OptionText(value));
  }
  const std::string repeated = Repeated(entry);
  if (!repeated.empty()) return Unusable(number, fmt::format("it has {} twice", Quote(repeated)));
  CombineSize(entry);
  if (entry.error.empty()) TakeNumber(entry);
  return entry;
}

std::vector<PromptEntry> JsonEntries(const std::string& path, const std::string& text) {
  ordered_json document = ParseOrderedJson(text, "the prompt file " + path, kLongLists);
  if (document.is_object() && document.contains("prompts")) document = document["prompts"];
  T3_CHECK(document.is_array(), "the prompt file {} holds a JSON {}, wanted a list of prompts",
           path, document.type_name());
  std::vector<PromptEntry> entries;
  for (const ordered_json& item : document) {
    entries.push_back(JsonEntry(item, static_cast<int64_t>(entries.size()) + 1));
  }
  return entries;
}

// f(line, number from 1) for each line with more than white space, without that at its ends.
template <typename F>
void ForLines(const std::string& text, F f) {
  std::istringstream lines(text);
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos) continue;
    f(line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1), number);
  }
}

std::vector<PromptEntry> JsonLineEntries(const std::string& text) {
  std::vector<PromptEntry> entries;
  ForLines(text, [&](const std::string& line, int64_t number) {
    try {
      entries.push_back(JsonEntry(ParseOrderedJson(line, "the line", kLongLists), number));
    } catch (const Error& error) {
      entries.push_back(Unusable(number, error.what()));
    }
  });
  return entries;
}

int64_t LineOf(const std::string& text, size_t at) {
  return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
}

[[noreturn]] void FailCell(const std::string& path, int64_t line, const char* what) {
  Fail(
      "the prompt file {}, line {}: a cell begins with a quote{}; double a quote that is text: "
      "\"\"",
      path, line, what);
}

// Cells of a table; quoted ones may hold delimiters, line breaks and doubled quotes (RFC 4180).
// A quote that is missing takes the rows up to the next quote into one cell: text behind that
// quote, or the file's end within the cell, is an error.
std::vector<std::vector<std::string>> ReadTable(const std::string& path, const std::string& text,
                                                char delimiter) {
  std::vector<std::vector<std::string>> rows{{""}};
  bool quoted = false;
  size_t opened = std::string::npos;  // where the cell's quote is
  const auto fail = [&](const char* what) { FailCell(path, LineOf(text, opened), what); };
  for (size_t i = 0; i < text.size(); ++i) {
    std::string& cell = rows.back().back();
    const char c = text[i];
    if (quoted) {
      const bool doubled = c == '"' && i + 1 < text.size() && text[i + 1] == '"';
      if (c != '"' || doubled) cell += c;
      if (doubled) ++i;
      quoted = c != '"' || doubled;
      continue;
    }
    const bool ends = c == delimiter || c == '\n';
    if (opened != std::string::npos && !ends && c != '\r' && c != ' ')
      fail(", and text follows the closing one");
    if (ends) opened = std::string::npos;
    if (c == '"' && cell.empty()) {
      quoted = true;
      opened = i;
    } else if (c == delimiter) {
      rows.back().emplace_back();
    } else if (c == '\n') {
      rows.push_back({""});
    } else if (c != '\r') {
      cell += c;
    }
  }
  if (quoted) fail(" that is not closed");
  std::erase_if(rows, [](const auto& row) {
    return std::ranges::all_of(row, [](const std::string& cell) { return cell.empty(); });
  });
  return rows;
}

std::vector<PromptEntry> TableEntries(const std::string& path, const std::string& text, bool tabs) {
  const std::string header_line = text.substr(0, text.find('\n'));
  const bool semicolons = header_line.find(',') == std::string::npos;  // of a German Excel
  const auto rows = ReadTable(path, text, tabs ? '\t' : semicolons ? ';' : ',');
  std::vector<PromptEntry> entries;
  if (rows.empty()) return entries;
  const std::vector<std::string>& header = rows.front();
  const std::string name = PromptName(header);
  T3_CHECK(!name.empty(),
           "the prompt file {} has no column \"prompt_en\" or \"prompt\"; the first line must "
           "name the columns (a file with one prompt per line is a .txt)",
           path);
  for (size_t i = 1; i < rows.size(); ++i) {
    ordered_json item = ordered_json::object();
    for (size_t c = 0; c < std::min(header.size(), rows[i].size()); ++c) {
      if (!rows[i][c].empty() || header[c] == name) item[header[c]] = rows[i][c];
    }
    const auto number = static_cast<int64_t>(i);
    if (rows[i].size() > header.size()) {
      entries.push_back(Unusable(number, "the row has more cells than the header"));
    } else if (!std::ranges::all_of(rows[i], IsUtf8)) {
      entries.push_back(Unusable(number, "the row is not UTF-8 text"));
    } else {
      entries.push_back(JsonEntry(item, number));
    }
  }
  return entries;
}

std::vector<PromptEntry> LineEntries(const std::string& text) {
  std::vector<PromptEntry> entries;
  ForLines(text, [&](const std::string& line, int64_t number) {
    if (line.starts_with('#')) return;
    entries.push_back(IsUtf8(line) ? PromptEntry{number, line, "", {}}
                                   : Unusable(number, "the line is not UTF-8 text"));
  });
  return entries;
}

// Whether the first line is a JSON object and another follows.
bool LooksLikeJsonLines(const std::string& text) {
  const size_t end = text.find('\n');
  if (end == std::string::npos || text.find_first_not_of(" \t\r\n", end) == std::string::npos)
    return false;
  try {
    return ParseJson(text.substr(0, end), "the line", kLongLists).is_object();
  } catch (const Error&) {
    return false;
  }
}

std::vector<PromptEntry> EntriesOf(const std::string& path, const std::string& text) {
  const std::string kind = AsciiLowerCase(std::filesystem::path(path).extension().string());
  if (kind == ".jsonl" || kind == ".ndjson") return JsonLineEntries(text);
  if (kind == ".csv" || kind == ".tsv") return TableEntries(path, text, kind == ".tsv");
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool looks_json = first != std::string::npos && (text[first] == '[' || text[first] == '{');
  if (kind == ".txt" || (kind != ".json" && !looks_json)) return LineEntries(text);
  return LooksLikeJsonLines(text) ? JsonLineEntries(text) : JsonEntries(path, text);
}

}  // namespace

std::vector<PromptEntry> ReadPromptFile(const std::string& path) {
  const std::string text = DecodeText(ReadText(path), "the prompt file " + path);
  std::vector<PromptEntry> entries = EntriesOf(path, text);
  T3_CHECK(!entries.empty(), "the prompt file {} has no prompt", path);
  return entries;
}

}  // namespace t3
