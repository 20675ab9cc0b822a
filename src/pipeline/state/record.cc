// Records.
#include "pipeline/state/record.h"

#include <ATen/Parallel.h>
#include <fmt/chrono.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path_text.h"
#include "base/seconds_since.h"
#include "pipeline/state/settings.h"
#include "runtime/device.h"
#include "runtime/file_digest.h"
#include "t3video/run.h"
#include "t3video/version.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Clock = std::chrono::system_clock;

std::string TimeText(Clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(Clock::to_time_t(time)));
}

ordered_json BuildJson() {
  const BuildInfo& build = GetBuildInfo();
  return {{"version", build.version},      {"commit", build.commit},
          {"torch", build.torch},          {"cuda", build.cuda},
          {"ffmpeg", build.ffmpeg},        {"compiler", build.compiler},
          {"build_type", build.build_type}};
}

std::string AbsoluteFile(const std::string& path) {
  return PathToText(fs::absolute(path).lexically_normal().string());
}

// A folder of frames has no size or digest.
ordered_json OutputJson(const Result& result) {
  ordered_json output = fs::is_regular_file(result.output)
                            ? DescribeFile(result.output)
                            : ordered_json{{"file", AbsoluteFile(result.output)}};
  output["width"] = result.width;
  output["height"] = result.height;
  output["frames"] = result.frames;
  return output;
}

ordered_json ReadRecord(const std::string& path) {
  ordered_json record = ReadOrderedJson(path, kLongLists);
  T3_CHECK(record.is_object(), "{} is not a record of t3", path);
  for (const char* key : {"t3", "settings", "inputs", "output"}) {
    const auto found = record.find(key);
    T3_CHECK(found != record.end() && found->is_object(),
             "{} is not a record of t3: \"{}\" is {}, wanted an object", path, key,
             found == record.end() ? "absent" : "a JSON " + std::string(found->type_name()));
  }
  return record;
}

// Whether the recorded file of `key` is the wanted one and is still there; true where none is.
bool HasWantedFile(const ordered_json& recorded, const ordered_json& wanted, const char* key) {
  const ordered_json path = wanted.value(key, ordered_json());
  if (!path.is_string()) return true;
  return recorded.value(key, ordered_json()) == path &&
         fs::exists(TextToPath(path.get<std::string>()));
}

ordered_json StagesOf(const std::vector<Result::Stage>& stages) {
  ordered_json list = ordered_json::array();
  for (const Result::Stage& stage : stages) {
    ordered_json& entry =
        list.emplace_back(ordered_json{{"name", stage.name},
                                       {"seconds", stage.seconds},
                                       {"device_peak_bytes", stage.device_peak_bytes},
                                       {"device_context_bytes", stage.device_context_bytes},
                                       {"host_peak_bytes", stage.host_peak_bytes}});
    if (!stage.step_seconds.empty()) entry["step_seconds"] = stage.step_seconds;
    for (const auto& [part, seconds] : stage.part_seconds) entry["part_seconds"][part] = seconds;
  }
  return list;
}

}  // namespace

std::string StagesJson(const std::vector<Result::Stage>& stages) {
  return DumpJson(StagesOf(stages));
}

void WriteRecord(const std::string& path, const RunIdentity& identity, const ordered_json& weights,
                 const RunSettings& settings, const Result& result, const StartTime& started) {
  const ordered_json record{
      {"t3", BuildJson()},
      {"settings", ParseOrderedJson(identity.settings, "the settings", kLongLists)},
      {"inputs", identity.inputs},
      {"weights", weights},
      {"machine",
       {{"device", settings.device.str()},
        {"name", DeviceName(settings.device)},
        {"threads", at::get_num_threads()},
        {"dtype", settings.DtypeName()}}},
      {"started", TimeText(started.wall)},
      {"finished", TimeText(Clock::now())},
      {"seconds", SecondsSince(started.steady)},
      {"resumed_from_step", result.resumed_from},
      {"stages", StagesOf(result.stages)},
      {"output", OutputJson(result)},
      {"notes", result.notes}};
  WriteAtomically(path, DumpJson(record, 2) + "\n");
}

std::vector<std::string> CompareWithRecord(const std::string& path, const RunIdentity& identity) {
  const ordered_json record = ReadRecord(path);
  std::vector<std::string> notes;
  for (const std::string& difference : Differences(record["inputs"], identity.inputs))
    notes.push_back(fmt::format("differs from {}: {}", path, difference));
  const ordered_json build = BuildJson();
  const ordered_json then = record.value("t3", ordered_json());
  if (then != build) {
    notes.push_back(fmt::format("{} was made by another build: {}", path,
                                fmt::join(Differences(then, build), ", ")));
  }
  return notes;
}

std::optional<bool> EqualsRecorded(const std::string& path, const std::string& output) {
  const ordered_json recorded = ReadRecord(path)["output"];
  if (!recorded.contains("digest") || !fs::is_regular_file(output)) return std::nullopt;
  return recorded["digest"] == FileDigest(output);
}

std::optional<bool> RecordsRun(const std::string& path, const RunIdentity& identity) {
  try {
    const ordered_json record = ReadRecord(path);
    if (record["output"].value("file", ordered_json()) != AbsoluteFile(identity.output))
      return std::nullopt;
    return Differences(record["inputs"], identity.inputs).empty();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

bool IsFinished(const std::string& path, const RunIdentity& identity) {
  try {
    if (!fs::exists(path) || !fs::exists(identity.output)) return false;
    const ordered_json record = ReadRecord(path);
    if (!Differences(record["inputs"], identity.inputs).empty()) return false;
    const ordered_json& then = record["settings"];
    const ordered_json now = ParseOrderedJson(identity.settings, "the settings", kLongLists);
    // What changes the file, but not the latents that it is decoded from.
    for (const std::string& key : FileSettings()) {
      if (then.value(key, ordered_json()) != now.value(key, ordered_json())) return false;
    }
    return HasWantedFile(then, now, "save-latents");
  } catch (const std::exception& error) {  // a damaged record: the run is repeated
    spdlog::warn("{}", error.what());
    return false;
  }
}

}  // namespace t3
