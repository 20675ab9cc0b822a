// Records.
#include "pipeline/record.h"

#include <ATen/Parallel.h>
#include <fmt/chrono.h>

#include <filesystem>
#include <fstream>

#include "base/atomic_file.h"
#include "base/check.h"
#include "pipeline/device.h"
#include "pipeline/file_digest.h"
#include "pipeline/settings.h"
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

ordered_json StagesJson(const Result& result) {
  ordered_json stages = ordered_json::array();
  for (const Result::Stage& stage : result.stages) {
    stages.push_back({{"name", stage.name},
                      {"seconds", stage.seconds},
                      {"device_peak_bytes", stage.device_peak_bytes},
                      {"device_context_bytes", stage.device_context_bytes},
                      {"host_peak_bytes", stage.host_peak_bytes}});
  }
  return stages;
}

// A folder of frames has neither size nor digest of its own.
ordered_json OutputJson(const Result& result) {
  ordered_json output =
      fs::is_regular_file(result.output)
          ? DescribeFile(result.output)
          : ordered_json{{"file", fs::absolute(result.output).lexically_normal().string()}};
  output["width"] = result.width;
  output["height"] = result.height;
  output["frames"] = result.frames;
  return output;
}

ordered_json ReadRecord(const std::string& path) {
  std::ifstream file(path);
  T3_CHECK(file.good(), "cannot open the record {}", path);
  ordered_json record = ordered_json::parse(file, nullptr, false);
  T3_CHECK(record.is_object() && record.contains("inputs") && record["inputs"].is_object(),
           "{} is no record of t3", path);
  return record;
}

}  // namespace

void WriteRecord(const std::string& path, const RunIdentity& identity, const ordered_json& weights,
                 const RunSettings& settings, const Result& result, Clock::time_point started) {
  const Clock::time_point finished = Clock::now();
  const ordered_json record{{"t3", BuildJson()},
                            {"settings", ordered_json::parse(identity.settings)},
                            {"inputs", identity.inputs},
                            {"weights", weights},
                            {"machine",
                             {{"device", settings.device.str()},
                              {"name", DeviceName(settings.device)},
                              {"threads", at::get_num_threads()},
                              {"dtype", settings.DtypeName()}}},
                            {"started", TimeText(started)},
                            {"finished", TimeText(finished)},
                            {"seconds", std::chrono::duration<double>(finished - started).count()},
                            {"resumed_from_step", result.resumed_from},
                            {"stages", StagesJson(result)},
                            {"output", OutputJson(result)},
                            {"notes", result.notes}};
  AtomicFile target(path);
  std::ofstream file(target.temporary());
  file << record.dump(2) << '\n';
  file.close();
  T3_CHECK(file.good(), "cannot write the record {}", path);
  target.Commit();
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
  const ordered_json recorded = ReadRecord(path).value("output", ordered_json());
  if (!recorded.is_object() || !recorded.contains("digest") || !fs::is_regular_file(output))
    return std::nullopt;
  return recorded["digest"] == FileDigest(output);
}

bool IsFinished(const std::string& path, const RunIdentity& identity) {
  std::ifstream file(path);
  if (!file.good() || !fs::exists(identity.output)) return false;
  const ordered_json record = ordered_json::parse(file, nullptr, false);
  if (!record.is_object() || !record.value("inputs", ordered_json()).is_object() ||
      !Differences(record["inputs"], identity.inputs).empty())
    return false;
  // What changes the file, but not the latents that it was made of.
  const ordered_json then = record.value("settings", ordered_json());
  const ordered_json now = ordered_json::parse(identity.settings);
  for (const std::string& key : FileSettings()) {
    if (then.value(key, ordered_json()) != now.value(key, ordered_json())) return false;
  }
  return true;
}

}  // namespace t3
