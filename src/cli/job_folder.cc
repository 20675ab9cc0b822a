// Job folders.
#include "cli/job_folder.h"

#include <cctype>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/check.h"
#include "cli/config_file.h"
#include "t3video/run.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// "A cat, on a mat!" -> "a-cat-on-a-mat", at most 40 characters.
std::string Slug(const std::string& prompt) {
  std::string slug;
  for (const char c : prompt) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      slug += static_cast<char>(std::tolower(byte));
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
    if (slug.size() == 40) break;
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug;
}

bool IsFolder(const std::string& path) { return path.back() == '/' || fs::is_directory(path); }

// What tells an entry from the others.
struct EntryName {
  std::string number;  // "007", or "" where there is one prompt
  std::string slug;
  std::string seed;  // "seed3", or "" where there is one seed

  std::string Join(std::initializer_list<std::string> parts) const {
    std::string name;
    for (const std::string& part : parts) {
      if (!part.empty()) name += (name.empty() ? "" : "-") + part;
    }
    return name;
  }
  // DIR/ -> DIR/007-slug-seed3.mp4, X.mp4 -> X-007-seed3.mp4.
  std::string In(const std::string& path) const {
    if (path.empty()) return path;
    if (IsFolder(path)) return (fs::path(path) / (Join({number, slug, seed}) + ".mp4")).string();
    const fs::path base(path);
    const std::string name = Join({base.stem().string(), number, seed});
    return (base.parent_path() / (name + base.extension().string())).string();
  }
};

std::vector<PromptEntry> Prompts(const GenerateFlags& flags) {
  if (!flags.prompt_file.empty()) return ReadPromptFile(flags.prompt_file);
  return {{1, flags.request.prompt, "", {}}};
}

JobEntry MakeEntry(const GenerateFlags& flags, const PromptEntry& prompt, uint64_t seed) {
  EntryName name{"", Slug(prompt.prompt), ""};
  JobEntry entry{"", flags.request, prompt.error};
  if (!flags.prompt_file.empty()) {
    name.number = fmt::format("{:03}", prompt.number);
    entry.label = fmt::format("{}:{}", flags.prompt_file, prompt.number);
  }
  if (SeedsOf(flags).size() > 1) {
    name.seed = fmt::format("seed{}", seed);
    entry.label += (entry.label.empty() ? "seed " : " seed ") + std::to_string(seed);
  }
  Request& request = entry.request;
  request.prompt = prompt.prompt;
  request.seed = seed;
  request.output = name.In(flags.request.output);
  request.save_latents = name.In(flags.request.save_latents);
  request.record = request.output + ".json";
  request.skip_finished = !flags.restart;
  return entry;
}

void WriteJob(const GenerateFlags& flags, const std::vector<PromptEntry>& prompts) {
  Request request = flags.request;
  request.prompt.clear();
  ordered_json settings = ordered_json::parse(
      SettingsJson(ToModelFiles(flags.model), ToRunOptions(flags.run), request));
  if (!flags.seeds.empty()) {
    settings.erase("seed");
    settings["seeds"] = flags.seeds;
  }
  ordered_json job{{"settings", settings}, {"prompts", ordered_json::array()}};
  for (const PromptEntry& prompt : prompts) {
    ordered_json entry{{"number", prompt.number}};
    if (prompt.error.empty()) entry["prompt"] = prompt.prompt;
    job["prompts"].push_back(entry);
  }
  AtomicFile target(JobFile(flags.request.output));
  std::ofstream file(target.temporary());
  file << job.dump(2) << '\n';
  file.close();
  T3_CHECK(file.good(), "cannot write {}", target.path());
  target.Commit();
}

}  // namespace

std::string JobFile(const std::string& folder) { return (fs::path(folder) / "job.json").string(); }

std::vector<JobEntry> MakeEntries(const GenerateFlags& flags) {
  if (!IsJob(flags)) {
    Request request = flags.request;
    request.seed = SeedsOf(flags).front();
    return {{"", request, ""}};
  }
  const std::vector<PromptEntry> prompts = Prompts(flags);
  const std::string& output = flags.request.output;
  if (output.back() == '/') fs::create_directories(output);
  if (IsFolder(output)) WriteJob(flags, prompts);
  std::vector<JobEntry> entries;
  for (const PromptEntry& prompt : prompts) {
    for (const uint64_t seed : SeedsOf(flags)) entries.push_back(MakeEntry(flags, prompt, seed));
  }
  return entries;
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

GenerateFlags ReadJob(const std::string& folder) {
  const std::string path = JobFile(folder);
  std::ifstream file(path);
  const ordered_json job = ordered_json::parse(file, nullptr, false);
  T3_CHECK(job.is_object() && job.contains("settings"), "{} is no job of t3", path);
  ordered_json settings = job["settings"];
  settings["prompt-file"] = path;
  GenerateFlags flags = FlagsOf(settings.dump(), path);
  flags.request.output = folder.back() == '/' ? folder : folder + "/";
  return flags;
}

}  // namespace t3
