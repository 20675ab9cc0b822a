// Takes means, writes and reads the record's JSON.
#include "eval/eval_record.h"

#include "base/check.h"
#include "base/json.h"

namespace t3 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr double kTera = 1e12;

ordered_json ToJson(const MeanInterval& interval) {
  ordered_json object{{"mean", interval.mean}, {"clips", interval.count}};
  if (!interval.has_bounds()) return object;
  object["half_width"] = interval.half_width();
  object["low"] = interval.low, object["high"] = interval.high;
  return object;
}

// Of every measure that any clip has, in the order of MeasureKinds().
std::vector<std::pair<MeasureKind, MeanInterval>> MeansOf(const std::vector<ClipScore>& clips) {
  std::vector<std::pair<MeasureKind, MeanInterval>> summary;
  for (const MeasureKind& kind : MeasureKinds()) {
    std::vector<double> values;
    for (const ClipScore& clip : clips) {
      const auto found = clip.measures.find(std::string(kind.name));
      if (found != clip.measures.end()) values.push_back(found->second);
    }
    if (!values.empty()) summary.emplace_back(kind, MeanOfMeasure(kind, values));
  }
  return summary;
}

}  // namespace

MeanInterval MeanOfMeasure(const MeasureKind& kind, const std::vector<double>& values) {
  return kind.share ? ShareOf(values, kind.answers) : MeanOf(values);
}

MeanInterval GainOfMeasure(const MeasureKind& kind, const std::vector<double>& gains) {
  return kind.share ? ShareGainOf(gains, kind.answers) : MeanOf(gains);
}

EvalResult ResultOf(const EvalRecord& record) {
  return {record.title,           std::ssize(record.clips), MeansOf(record.clips),
          record.forward_seconds, record.attention_macs,    record.fp8_attention,
          record.interrupted};
}

std::string RecordJson(const EvalRecord& record) {
  ordered_json all = record.settings;
  all["interrupted"] = record.interrupted;
  ordered_json& summary = all["summary"] = ordered_json::object();
  for (const auto& [kind, interval] : MeansOf(record.clips))
    summary[std::string(kind.name)] = ToJson(interval);
  if (record.forward_seconds) all["forward_seconds"] = *record.forward_seconds;
  if (record.attention_macs) all["attention_tmac"] = *record.attention_macs * 1e-12;
  for (const auto& [tokens, fp8, bf16] : record.fp8_attention)
    all["fp8_attention"].push_back({{"tokens", tokens}, {"fp8", fp8}, {"bf16", bf16}});
  ordered_json& clips = all["clips"] = ordered_json::array();
  for (const ClipScore& clip : record.clips) clips.push_back(t3::ToJson(clip));
  return DumpJson(all, 1);
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
    if (record.contains("forward_seconds"))
      stored.forward_seconds = record.at("forward_seconds").get<double>();
    if (record.contains("attention_tmac"))
      stored.attention_macs = record.at("attention_tmac").get<double>() * kTera;
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
    const auto files = static_cast<double>(paths.size());
    if (one.forward_seconds)
      mean.forward_seconds = mean.forward_seconds.value_or(0) + *one.forward_seconds / files;
    if (one.attention_macs)
      mean.attention_macs = mean.attention_macs.value_or(0) + *one.attention_macs / files;
  }
  for (const auto& [name, scenes] : all) {
    for (const auto& [scene, values] : scenes) {
      if (values.size() == paths.size()) mean.measures[name][scene] = MeanOf(values).mean;
    }
  }
  return mean;
}

}  // namespace t3
