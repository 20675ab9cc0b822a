// Job folders.
#include "cli/job_folder.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/output_lock.h"
#include "base/read_text.h"
#include "base/text.h"
#include "cli/job_names.h"
#include "t3video/request_options.h"
#include "t3video/run.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

bool IsFolder(const std::string& path) {
  std::error_code ignored;
  return path.ends_with('/') || fs::is_directory(path, ignored);
}

std::string Join(std::initializer_list<std::string> parts) {
  std::string name;
  for (const std::string& part : parts) {
    if (!part.empty()) name += (name.empty() ? "" : "-") + part;
  }
  return name;
}

// DIR/ -> DIR/NAME.EXTENSION; X.mp4 -> X-NAME.mp4.
std::string Place(const std::string& path, const std::string& name, const char* extension) {
  if (path.empty()) return path;
  if (IsFolder(path)) return (fs::path(path) / (name + extension)).string();
  const fs::path base(path);
  return (base.parent_path() / (Join({base.stem().string(), name}) + base.extension().string()))
      .string();
}

// Options that a prompt file may set for an entry; the others are the command's.
bool IsEntryOption(const std::string& name) {
  static const std::set<std::string> names{
      "negative-prompt", "size",    "frames",    "fps",    "sampler",
      "steps",           "shift",   "timesteps", "sigmas", "guidance",
      "attention",       "windows", "seed",      "noise",  "image"};
  return names.contains(name);
}

// The prompt with one seed: the unit that is named, generated and recorded.
struct Video {
  const PromptEntry* prompt = nullptr;
  uint64_t seed = 0;
  std::string name;  // of the output, without folder and extension
};

// What decides the video: settings of the command and the entry, and the seed.
std::string ContentOf(const ordered_json& settings, const ordered_json& entry,
                      const std::string& seed) {
  static const std::set<std::string> without_effect = [] {
    std::set<std::string> names{"seed", "seeds"};
    const auto add = [&](const Option& option, auto&) {
      if (option.effect == OptionEffect::kNone) names.insert(option.name);
    };
    Request request;
    RunOptions options;
    VisitRequestOptions(request, add);
    VisitMachineOptions(options, add);
    return names;
  }();
  ordered_json content{{"entry", entry}, {"seed", seed}, {"settings", ordered_json::object()}};
  for (const auto& [key, value] : settings.items()) {
    if (!without_effect.contains(key)) content["settings"][key] = value;
  }
  for (const char* key : {"number", "outputs", "drawn", "seed"}) content["entry"].erase(key);
  return DumpJson(content);
}

ordered_json EntryJson(const PromptEntry& prompt) {
  ordered_json entry{{"number", prompt.number}};
  if (prompt.error.empty()) entry["prompt"] = prompt.prompt;
  for (const auto& [name, text] : prompt.options) {
    if (IsEntryOption(name)) entry[name] = text;
  }
  return entry;
}

ordered_json JobSettings(const GenerateFlags& flags) {
  Request request = flags.request;
  request.prompt.clear();
  ordered_json settings =
      ParseOrderedJson(SettingsJson(ToModelFiles(flags.model), ToRunOptions(flags.run), request),
                       "the settings", kLongLists);
  if (!flags.seeds.empty()) {
    settings.erase("seed");
    settings["seeds"] = flags.seeds;
  }
  return settings;
}

std::vector<PromptEntry> Prompts(const GenerateFlags& flags) {
  if (!flags.prompt_file.empty()) return ReadPromptFile(flags.prompt_file);
  return {{1, flags.request.prompt, "", {}}};
}

// The entry's seed, else those of the command.
std::vector<std::string> SeedsOf(const GenerateFlags& flags, const PromptEntry& prompt) {
  for (const auto& [name, text] : prompt.options) {
    if (name != "seed") continue;
    if (!flags.seeds.empty()) FailUsage("the entry has a seed, which --seeds excludes");
    return {text};
  }
  return SeedTexts(flags);
}

// Seeds that earlier runs of a job drew for an entry, so that a repeated command finds its videos.
class DrawnSeeds {
 public:
  void Add(const std::string& content, uint64_t seed) { seeds_[content].push_back(seed); }
  // Each is taken once: an entry that is listed twice has two.
  std::optional<uint64_t> Take(const std::string& content) {
    std::deque<uint64_t>& seeds = seeds_[content];
    if (seeds.empty()) return std::nullopt;
    const uint64_t seed = seeds.front();
    seeds.pop_front();
    return seed;
  }

 private:
  std::map<std::string, std::deque<uint64_t>> seeds_;
};

// Jobs of a folder as job.json has them, the latest first.
std::vector<ordered_json> StoredJobs(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  ordered_json latest = ReadOrderedJson(path, kLongLists);
  const auto is_job = [](const ordered_json& job) {
    return job.is_object() && job.contains("settings") && job["settings"].is_object() &&
           job.contains("prompts") && job["prompts"].is_array() &&
           std::ranges::all_of(job["prompts"], [](const auto& entry) { return entry.is_object(); });
  };
  const ordered_json earlier =
      latest.is_object() ? latest.value("earlier", ordered_json::array()) : ordered_json();
  T3_CHECK(is_job(latest) && earlier.is_array() && std::ranges::all_of(earlier, is_job),
           "{} is not a job of t3; name another folder", path);
  latest.erase("earlier");
  std::vector<ordered_json> jobs{std::move(latest)};
  jobs.insert(jobs.end(), earlier.begin(), earlier.end());
  return jobs;
}

// Seeds and file names of a stored entry. Those of jobs of earlier versions are not stored.
std::vector<std::pair<std::string, std::string>> OutputsOf(const ordered_json& entry) {
  std::vector<std::pair<std::string, std::string>> outputs;
  const ordered_json stored = entry.value("outputs", ordered_json::object());
  if (!stored.is_object()) return outputs;
  for (const auto& [seed, name] : stored.items()) {
    if (name.is_string()) outputs.emplace_back(seed, name.get<std::string>());
  }
  return outputs;
}

// Takes the outputs that are now another job's out of `job`, and entries without any.
void RemoveOutputs(ordered_json& job, const std::set<std::string>& names) {
  ordered_json kept = ordered_json::array();
  for (ordered_json entry : job["prompts"]) {
    for (const auto& [seed, name] : OutputsOf(entry)) {
      if (names.contains(name)) entry["outputs"].erase(seed);
    }
    const bool of_earlier_version = !entry.contains("outputs");
    if (of_earlier_version || !entry["outputs"].empty()) kept.push_back(std::move(entry));
  }
  job["prompts"] = std::move(kept);
}

// Makes the requests of a job one by one.
class JobBuilder {
 public:
  // Of the job's entries, in order, those of `shard` are made.
  JobBuilder(const GenerateFlags& flags, const Shard& shard)
      : shard_(shard), settings_(JobSettings(flags)) {
    job_.flags = flags;
  }

  void Reserve(const std::vector<ordered_json>& stored) {
    for (const ordered_json& job : stored) {
      for (const ordered_json& entry : job["prompts"]) {
        const ordered_json drawn = entry.value("drawn", ordered_json::array());
        for (const auto& [seed, name] : OutputsOf(entry)) {
          names_.Reserve(fs::path(name).stem().string(), ContentOf(job["settings"], entry, seed));
          if (std::ranges::find(drawn, ordered_json(seed)) != drawn.end())
            drawn_.Add(ContentOf(job["settings"], entry, kDrawn), ParseSeed(seed));
        }
      }
    }
  }

  // Every seed of one prompt: an entry each.
  void Add(const PromptEntry& prompt) {
    const size_t first = job_.entries.size();
    ordered_json entry = EntryJson(prompt);
    NoteUnused(prompt);
    const std::string label = Label(prompt.number);
    try {
      entry["outputs"] = ordered_json::object();
      if (!prompt.error.empty()) throw Error(prompt.error);
      const bool several = SeedTexts(job_.flags).size() > 1;
      for (const std::string& text : SeedsOf(job_.flags, prompt)) {
        const std::string seed = std::to_string(SeedOf(text, entry));
        const std::string seed_tag = several ? "seed" + seed : "";
        const std::string name =
            names_.Choose(WantedName(prompt, seed_tag), ContentOf(settings_, entry, seed));
        const std::string of_seed = several ? (label.empty() ? "seed " : " seed ") + seed : "";
        AddRequest(prompt, ParseSeed(seed), name, label + of_seed);
        entry["outputs"][seed] =
            fs::path(job_.entries.back().request.output.path).filename().string();
      }
    } catch (const Error& error) {
      job_.entries.push_back({label, {}, error.what()});
    }
    KeepShard(first);
    prompts_.push_back(std::move(entry));
  }

  // Stored outputs of one prompt; `labels` precedes their file names in messages.
  void AddStored(const PromptEntry& prompt,
                 const std::vector<std::pair<std::string, std::string>>& outputs,
                 const std::string& labels) {
    const size_t first = job_.entries.size();
    for (const auto& [seed, name] : outputs) {
      AddRequest(prompt, ParseSeed(seed), fs::path(name).stem().string(),
                 fmt::format("{}: {}", labels, name));
    }
    KeepShard(first);
  }

  void NoteShard() {
    AddNote(fmt::format("shard {}/{}: {} of {}", shard_.index, shard_.count,
                        shard_.SizeOf(position_), Counted(position_, "video")));
  }

  ordered_json Stored() const { return {{"settings", settings_}, {"prompts", prompts_}}; }
  std::set<std::string> FileNames() const {
    std::set<std::string> names;
    for (const ordered_json& entry : prompts_) {
      for (const auto& output : OutputsOf(entry)) names.insert(output.second);
    }
    return names;
  }
  bool draws_seeds() const {
    return std::ranges::any_of(prompts_,
                               [](const ordered_json& entry) { return entry.contains("drawn"); });
  }
  BatchJob Take() {
    if (!unused_.empty()) {
      AddNote(
          fmt::format("the prompt file has {} without effect, since a video has no such option: {}",
                      Counted(std::ssize(unused_), "field"), fmt::join(unused_, ", ")));
    }
    return std::move(job_);
  }

 private:
  static constexpr const char* kDrawn = "-1";

  void AddNote(std::string note) { job_.notes.push_back(std::move(note)); }

  // Of the entries from `first` on. The others have given names and seeds.
  void KeepShard(size_t first) {
    std::vector<JobEntry> all(std::move_iterator(job_.entries.begin() + static_cast<long>(first)),
                              std::move_iterator(job_.entries.end()));
    job_.entries.resize(first);
    for (JobEntry& entry : all) {
      if (shard_.Has(position_++)) job_.entries.push_back(std::move(entry));
    }
  }

  void AddRequest(const PromptEntry& prompt, uint64_t seed, const std::string& name,
                  const std::string& label) {
    JobEntry entry{label, job_.flags.request, ""};
    Request& request = entry.request;
    for (const auto& [option, text] : prompt.options) {
      if (IsEntryOption(option) && option != "seed") SetOption(request, option, text);
    }
    request.prompt = prompt.prompt;
    if (seed != 0 || request.noise.empty()) request.seed = seed;
    request.output.path = Place(job_.flags.request.output.path, name, ".mp4");
    request.output.save_latents =
        Place(job_.flags.request.output.save_latents, name, ".safetensors");
    request.output.keep_draft = Place(job_.flags.request.output.keep_draft, name, "-draft.mp4");
    request.record.path = request.output.path + ".json";
    request.record.skip_finished = !job_.flags.restart;
    job_.entries.push_back(std::move(entry));
  }

  // One that is to be drawn is noted in the entry.
  uint64_t SeedOf(const std::string& text, ordered_json& entry) {
    const bool by_flag = job_.flags.draws_seed && !entry.contains("seed");
    if (text != kDrawn && !by_flag) return ParseSeed(text);
    const uint64_t seed =
        drawn_.Take(ContentOf(settings_, entry, kDrawn)).value_or(ParseSeed(text));
    entry["drawn"].push_back(std::to_string(seed));
    return seed;
  }

  std::string WantedName(const PromptEntry& prompt, const std::string& seed_tag) const {
    constexpr size_t kNameColumns = 40;
    const std::string number =
        job_.flags.prompt_file.empty() ? "" : fmt::format("{:03}", prompt.number);
    const bool in_folder = IsFolder(job_.flags.request.output.path);
    const std::string word = in_folder ? FileNameWord(prompt.prompt, kNameColumns) : "";
    const std::string name = Join({number, word, seed_tag});
    return name.empty() ? "video" : name;
  }

  std::string Label(int64_t number) const {
    return job_.flags.prompt_file.empty() ? ""
                                          : fmt::format("{}:{}", job_.flags.prompt_file, number);
  }

  void NoteUnused(const PromptEntry& prompt) {
    for (const auto& [name, text] : prompt.options) {
      if (!IsEntryOption(name) && name != "outputs" && name != "drawn") unused_.insert(Quote(name));
    }
  }

  BatchJob job_;
  Shard shard_;
  int64_t position_ = 0;  // entries so far, of every shard
  JobNames names_;
  DrawnSeeds drawn_;
  ordered_json settings_;
  ordered_json prompts_ = ordered_json::array();
  std::set<std::string> unused_;
};

void AddAll(JobBuilder& builder, const GenerateFlags& flags) {
  for (const PromptEntry& prompt : Prompts(flags)) builder.Add(prompt);
  if (!flags.shard.empty()) builder.NoteShard();
}

// Names of earlier jobs are taken unless they may be replaced. `text` is job.json with the job.
JobBuilder BuildInFolder(const GenerateFlags& flags, const std::string& path, std::string& text) {
  const bool replaces = flags.restart || flags.request.output.overwrite;
  std::vector<ordered_json> stored = StoredJobs(path);
  JobBuilder builder(flags, ParseShard(flags.shard));
  if (!replaces) builder.Reserve(stored);
  AddAll(builder, flags);
  if (replaces && !flags.shard.empty() && builder.draws_seeds()) {
    FailUsage(
        "--restart and --overwrite draw new seeds, and each shard would draw others: give "
        "the seeds, or leave --shard out");
  }
  ordered_json job = builder.Stored();
  const std::set<std::string> names = builder.FileNames();
  for (ordered_json& earlier : stored) {
    RemoveOutputs(earlier, names);
    if (!earlier["prompts"].empty()) job["earlier"].push_back(std::move(earlier));
  }
  text = DumpJson(job, 2) + "\n";
  return builder;
}

// Adds the job to job.json.
JobBuilder AddToFolder(const GenerateFlags& flags, FolderChange& change) {
  const std::string path = JobFile(flags.request.output.path);
  const auto text_before = [&] {
    std::error_code ignored;
    return fs::exists(path, ignored) ? ReadText(path) : "";
  };
  std::string text;
  // Hundreds of shards may start at once: those that find the job do not queue for the lock.
  if (!flags.shard.empty()) {
    JobBuilder builder = BuildInFolder(flags, path, text);
    if (text == text_before()) return builder;
  }
  const OutputLock lock = OutputLock::Wait(path);
  JobBuilder builder = BuildInFolder(flags, path, text);
  change.Write(path, text, text_before());
  // Other shards, which have written the same, may be at work.
  if (!flags.shard.empty()) change.Keep();
  return builder;
}

// The fields that EntryJson wrote.
PromptEntry StoredPrompt(const ordered_json& entry) {
  PromptEntry prompt;
  const auto number = entry.value("number", ordered_json());
  if (number.is_number_integer()) prompt.number = number.get<int64_t>();
  const auto text = entry.value("prompt", ordered_json());
  if (text.is_string()) prompt.prompt = text.get<std::string>();
  for (const auto& [key, value] : entry.items()) {
    if (IsEntryOption(key) && value.is_string())
      prompt.options.emplace_back(key, value.get<std::string>());
  }
  if (!text.is_string()) prompt.error = "its prompt could not be used";
  return prompt;
}

}  // namespace

void FolderChange::Make(const std::string& folder) { folders_.emplace_back(folder); }

void FolderChange::Write(const std::string& file, std::string text, std::string before) {
  WriteAtomically(file, text);
  file_ = file;
  text_ = std::move(text);
  before_ = std::move(before);
}

void FolderChange::Undo() {
  if (file_.empty()) return;
  const OutputLock lock = OutputLock::Wait(file_);
  if (ReadText(file_) != text_) return;
  if (before_.empty()) {
    fs::remove(file_);
  } else {
    WriteAtomically(file_, before_);
  }
}

std::string JobFile(const std::string& folder) { return (fs::path(folder) / "job.json").string(); }

BatchJob MakeJob(const GenerateFlags& given) {
  GenerateFlags flags = given;
  OutputOptions& output = flags.request.output;
  if (fs::path(output.path).extension().empty() && !output.path.ends_with('/')) output.path += '/';
  FolderChange change;
  for (const std::string& path : {output.path, output.save_latents, output.keep_draft}) {
    if (path.ends_with('/')) change.Make(path);
  }
  const bool in_folder = IsFolder(output.path);
  JobBuilder builder =
      in_folder ? AddToFolder(flags, change) : JobBuilder(flags, ParseShard(flags.shard));
  if (!in_folder) AddAll(builder, flags);
  BatchJob job = builder.Take();
  if (in_folder) job.folder = output.path;
  job.change = std::move(change);
  return job;
}

std::vector<BatchJob> ReadJobs(const std::string& folder, const Shard& shard) {
  const std::string path = JobFile(folder);
  std::vector<BatchJob> jobs;
  for (const ordered_json& stored : StoredJobs(path)) {
    GenerateFlags flags = FlagsOf(DumpJson(stored["settings"]), path);
    flags.request.output.path = folder.ends_with('/') ? folder : folder + "/";
    flags.prompt_file = path;  // for labels, and for the names of jobs of earlier versions
    JobBuilder builder(flags, shard);
    for (const ordered_json& entry : stored["prompts"]) {
      const PromptEntry prompt = StoredPrompt(entry);
      const auto outputs = OutputsOf(entry);
      if (outputs.empty()) {
        builder.Add(prompt);
      } else {
        builder.AddStored(prompt, outputs, path);
      }
    }
    if (shard.count > 1) builder.NoteShard();
    jobs.push_back(builder.Take());
    jobs.back().folder = folder;
  }
  std::reverse(jobs.begin(), jobs.end());
  return jobs;
}

}  // namespace t3
