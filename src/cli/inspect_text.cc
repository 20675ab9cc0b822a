// Formats what files hold.
#include "cli/inspect_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/flags.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

ordered_json SizesJson(const std::vector<SizeField>& sizes) {
  ordered_json json;  // null where nothing is known
  for (const SizeField& field : sizes) {
    std::visit([&](const auto& value) { json[field.name] = value; }, field.value);
  }
  return json;
}

ordered_json ReportJson(const InspectReport& report) {
  return {{"path", report.path},
          {"kind", report.kind},
          {"format", report.format},
          {"naming", report.naming},
          {"bytes", report.bytes},
          {"tensors", report.tensors},
          {"parameters", report.parameters},
          {"dtypes", report.dtypes},
          {"quantisation", report.quantisation},
          {"sizes", SizesJson(report.sizes)},
          {"preset", report.preset},
          {"complete", report.complete},
          {"missing", report.differences.missing},
          {"surplus", report.differences.surplus},
          {"misshapen", report.differences.misshapen},
          {"note", report.note},
          {"metadata", report.metadata}};
}

std::string DTypesText(const std::map<std::string, int64_t>& dtypes) {
  std::vector<std::string> parts;
  parts.reserve(dtypes.size());
  for (const auto& [name, count] : dtypes) parts.push_back(fmt::format("{} x {}", count, name));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string SizesText(const std::vector<SizeField>& sizes) {
  const ordered_json json = SizesJson(sizes);
  std::vector<std::string> parts;
  for (const auto& [name, value] : json.items()) {
    parts.push_back(
        fmt::format("{} {}", name, value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// A metadata value on one line: lists of numbers by their length, texts cut.
std::string ValueText(const std::string& value) {
  if (value.starts_with('[') && value.ends_with(']')) {
    return Counted(std::count(value.begin(), value.end(), ',') + 1, "number");
  }
  const std::string quoted = Quote(value);
  return quoted == "'" + value + "'" ? value : quoted;
}

std::string QuantisationText(const std::map<std::string, std::string>& forms) {
  std::vector<std::string> parts;
  for (const auto& [dtype, form] : forms) parts.push_back(fmt::format("{} ({})", dtype, form));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string ReportText(const InspectReport& report) {
  std::string text =
      fmt::format("{}\n  {}{}, {}{}\n", report.path, report.kind,
                  report.preset.empty() ? "" : " (" + report.preset + ")", report.format,
                  report.naming.empty() ? "" : ", " + report.naming + " names");
  text += fmt::format("  {}, {:.6g} M parameters, {}: {}\n", Counted(report.tensors, "tensor"),
                      static_cast<double>(report.parameters) / 1e6, FormatBytes(report.bytes),
                      DTypesText(report.dtypes));
  if (!report.quantisation.empty())
    text += fmt::format("  quantised: {}\n", QuantisationText(report.quantisation));
  if (!report.sizes.empty()) text += fmt::format("  {}\n", SizesText(report.sizes));
  for (const auto& [key, value] : report.metadata) {
    if (key.starts_with("t3."))
      text += fmt::format("  {} = {}\n", Printable(key), ValueText(value));
  }
  if (report.kind != "unknown") text += report.complete ? "  complete\n" : "  NOT complete\n";
  for (const std::string& part :
       {DescribeDifferences(report.differences), Printable(report.note)}) {
    if (!part.empty()) text += fmt::format("  {}\n", part);
  }
  return text;
}

}  // namespace

std::string InspectText(const InspectResult& result) {
  std::string text;
  for (const InspectReport& report : result.reports) text += ReportText(report);
  if (!result.model) return text;
  return text + fmt::format("{}\n  {}\n", result.path,
                            result.complete ? "complete model"
                                            : "NOT complete: " + WithFlags(Printable(result.note)));
}

std::string InspectJson(const InspectResult& result) {
  ordered_json networks = ordered_json::array();
  for (const InspectReport& report : result.reports) networks.push_back(ReportJson(report));
  ordered_json document;
  if (result.model) {
    document = {{"path", result.path},
                {"kind", "model"},
                {"complete", result.complete},
                {"note", result.note}};
  } else {
    document = networks.front();
  }
  if (result.model || networks.size() > 1) document["networks"] = networks;
  return DumpJson(document, 2);
}

}  // namespace t3
