// Formats means, and writes and reads the record's JSON.
#include "eval/eval_report.h"

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"

namespace t3 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string Line(const MeasureKind& kind, const MeanInterval& interval) {
  const std::string spread =
      interval.count > 1 ? " +- " + FormatMeasure(interval.half_width, kind.share) : "";
  return fmt::format("{:<24} {:>10}{:<13} of {}\n", kind.label,
                     FormatMeasure(interval.mean, kind.share), spread, interval.count);
}

ordered_json ToJson(const MeanInterval& interval) {
  ordered_json object{{"mean", interval.mean}, {"clips", interval.count}};
  if (interval.count > 1) object["half_width"] = interval.half_width;
  return object;
}

}  // namespace

std::vector<std::pair<MeasureKind, MeanInterval>> Summarise(const std::vector<ClipScore>& clips) {
  std::vector<std::pair<MeasureKind, MeanInterval>> summary;
  for (const MeasureKind& kind : MeasureKinds()) {
    std::vector<double> values;
    for (const ClipScore& clip : clips) {
      const auto found = clip.measures.find(std::string(kind.name));
      if (found != clip.measures.end()) values.push_back(found->second);
    }
    if (!values.empty()) summary.emplace_back(kind, MeanOf(values));
  }
  return summary;
}

std::string FormatMeasure(double value, bool share) {
  return share ? fmt::format("{:.1f} %", 100 * value) : fmt::format("{:.4g}", value);
}

Report MakeReport(const EvalRecord& record) {
  Report report;
  report.text = record.title + "\n";
  if (record.interrupted) {
    report.text +=
        fmt::format("interrupted after {}\n", Counted(std::ssize(record.clips), "scene"));
  }
  ordered_json all = record.settings;
  all["interrupted"] = record.interrupted;
  ordered_json& summary = all["summary"] = ordered_json::object();
  for (const auto& [kind, interval] : Summarise(record.clips)) {
    report.text += Line(kind, interval);
    summary[std::string(kind.name)] = ToJson(interval);
  }
  if (record.forward_seconds) {
    report.text += fmt::format("{:<24} {:>8.4g} s\n", "forward", *record.forward_seconds);
    all["forward_seconds"] = *record.forward_seconds;
  }
  if (record.attention_macs) {
    const double tmac = *record.attention_macs * 1e-12;
    report.text += fmt::format("{:<24} {:>8.4g} TMAC\n", "attention of a forward", tmac);
    all["attention_tmac"] = tmac;
  }
  ordered_json& clips = all["clips"] = ordered_json::array();
  for (const ClipScore& clip : record.clips) clips.push_back(t3::ToJson(clip));
  report.json = DumpJson(all, 1);
  return report;
}

bool IsEvalRecord(const std::string& path) {
  try {
    const json record = ReadJson(path, kLongLists);
    return record.is_object() && record.contains("summary") && record.contains("clips");
  } catch (const Error&) {
    return false;
  }
}

StoredEval ReadEval(const std::string& path) {
  StoredEval stored;
  try {
    const json record = ReadJson(path, kLongLists);
    stored.title = fmt::format("{} ({}x{})", path, record.at("size").get<std::string>(),
                               record.at("frames").get<int>());
    for (const json& clip : record.at("clips")) {
      const auto scene = clip.at("scene").get<uint64_t>();
      for (const auto& [name, value] : clip.at("measures").items()) {
        stored.measures[name][scene] = value.get<double>();
      }
    }
    for (const char* name : {"forward_seconds", "attention_tmac"}) {
      if (record.contains(name)) stored.once[name] = record.at(name).get<double>();
    }
  } catch (const json::exception&) {
    Fail(
        "{} is not a record of `t3 eval --json`: it lacks \"size\", \"frames\" or \"clips\" with "
        "\"scene\" and \"measures\", or they are of other types",
        path);
  }
  T3_CHECK(!stored.measures.empty(), "{} has no measured clips", path);
  return stored;
}

StoredEval ReadEvals(const std::vector<std::string>& paths) {
  StoredEval mean;
  std::map<std::string, std::map<uint64_t, std::vector<double>>> all;
  for (const std::string& path : paths) {
    const StoredEval one = ReadEval(path);
    mean.title += (mean.title.empty() ? "" : ", ") + one.title;
    for (const auto& [name, scenes] : one.measures) {
      for (const auto& [scene, value] : scenes) all[name][scene].push_back(value);
    }
    for (const auto& [name, value] : one.once)
      mean.once[name] += value / static_cast<double>(paths.size());
  }
  for (const auto& [name, scenes] : all) {
    for (const auto& [scene, values] : scenes) {
      if (values.size() == paths.size()) mean.measures[name][scene] = MeanOf(values).mean;
    }
  }
  return mean;
}

}  // namespace t3
