// t3 inspect: recognising files.
#include "pipeline/inspect.h"

#include <algorithm>

#include "arch/dit.h"
#include "base/bytes.h"
#include "base/check.h"
#include "nn/lora.h"
#include "pipeline/network.h"
#include "t3video/tools.h"
#include "weights/lora.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

void Count(const TensorViews& tensors, InspectReport* report) {
  for (const auto& [name, view] : tensors) {
    ++report->tensors;
    report->bytes += view.bytes;
    report->parameters += view.elements();
    ++report->dtypes[std::string(DTypeName(view.dtype))];
  }
}

// ComfyUI's files have original (DiT, VAE) or transformers' names (text encoder) and are told by
// what is around them.
std::string NamingStyle(const NamedViews& views) {
  const auto from_comfy = [](const auto& item) {
    const std::string& name = item.second;
    return name.find("diffusion_model.") != std::string::npos ||
           name.starts_with("text_encoders.") || name.starts_with("first_stage_model.");
  };
  const bool comfy =
      views.scaled_fp8 || std::any_of(views.stored.begin(), views.stored.end(), from_comfy);
  const bool carries_tokenizer = std::find(views.left_out.begin(), views.left_out.end(),
                                           "spiece_model") != views.left_out.end();
  if (comfy || carries_tokenizer) return "ComfyUI";
  return fmt::format("{}", fmt::join(views.styles, " and "));
}

InspectReport InspectNetwork(const std::shared_ptr<const WeightFile>& file, NetworkKind kind,
                             InspectReport report) {
  report.kind = NetworkName(kind);
  const NamedViews views = NameTensors(file, NamingOf(kind, file->tensors()));
  Count(views.tensors, &report);
  report.naming = NamingStyle(views);
  try {
    const Network network = OpenNetwork(file, kind);
    report.sizes = network.sizes;
    report.preset = network.preset;
    if (kind == NetworkKind::kVae) report.kind += " " + report.sizes["version"].get<std::string>();
    report.differences = CompareWithTable(network.table, network.views.tensors);
    report.complete = report.differences.none();
  } catch (const Error& error) {
    report.note = error.what();
  }
  return report;
}

InspectReport InspectLora(const std::shared_ptr<const WeightFile>& file, InspectReport report) {
  report.kind = "LoRA";
  Count(file->tensors(), &report);
  try {
    const LoraFile lora = ReadLora(file, ModuleNames(DitNaming()));
    std::map<std::string, int64_t> ranks;
    for (const auto& [name, delta] : lora.deltas) {
      ++ranks[delta.down ? fmt::format("rank {}", delta.down->shape[0]) : "full"];
    }
    report.sizes = {{"network", "DiT"}, {"changed_tensors", lora.deltas.size()}, {"ranks", ranks}};
    report.complete = true;
  } catch (const Error& error) {
    report.note = error.what();
  }
  return report;
}

// Files that this program writes itself.
InspectReport InspectOther(const WeightFile& file, InspectReport report) {
  Count(file.tensors(), &report);
  report.kind = "unknown";
  for (const auto& [tensor, kind] :
       {std::pair("latents", "latents"), std::pair("video", "video"),
        std::pair("prompt", "text embeddings"), std::pair("noise", "noise")}) {
    const auto found = file.tensors().find(tensor);
    if (found == file.tensors().end()) continue;
    report.kind = kind;
    report.sizes = {{"shape", found->second.shape}};
    report.complete = true;
    return report;
  }
  report.note = "no DiT, text encoder, VAE or LoRA that t3 knows, and no file that t3 writes";
  return report;
}

ordered_json ToJson(const InspectReport& report) {
  return {{"path", report.path},
          {"kind", report.kind},
          {"format", report.format},
          {"naming", report.naming},
          {"bytes", report.bytes},
          {"tensors", report.tensors},
          {"parameters", report.parameters},
          {"dtypes", report.dtypes},
          {"sizes", report.sizes},
          {"preset", report.preset},
          {"complete", report.complete},
          {"missing", report.differences.missing},
          {"surplus", report.differences.surplus},
          {"misshapen", report.differences.misshapen},
          {"note", report.note},
          {"metadata", report.metadata}};
}

std::string DTypeText(const std::map<std::string, int64_t>& dtypes) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : dtypes) parts.push_back(fmt::format("{} x {}", count, name));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string SizesText(const ordered_json& sizes) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : sizes.items()) {
    parts.push_back(
        fmt::format("{} {}", name, value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string ToText(const InspectReport& r) {
  std::string text = fmt::format("{}\n  {}{}, {}{}\n", r.path, r.kind,
                                 r.preset.empty() ? "" : " (" + r.preset + ")", r.format,
                                 r.naming.empty() ? "" : ", " + r.naming + " names");
  text += fmt::format("  {} tensors, {:.6g} M parameters, {}: {}\n", r.tensors,
                      static_cast<double>(r.parameters) / 1e6, FormatBytes(r.bytes),
                      DTypeText(r.dtypes));
  if (!r.sizes.is_null()) text += fmt::format("  {}\n", SizesText(r.sizes));
  for (const auto& [key, value] : r.metadata) {
    if (key.starts_with("t3.")) text += fmt::format("  {} = {}\n", key, value);
  }
  if (r.kind != "unknown") text += r.complete ? "  complete\n" : "  NOT complete\n";
  for (const std::string& part : {DescribeDifferences(r.differences), r.note}) {
    if (!part.empty()) text += fmt::format("  {}\n", part);
  }
  return text;
}

}  // namespace

std::vector<InspectReport> InspectFile(const std::string& path) {
  const auto file = WeightFile::Open(path);
  InspectReport base;
  base.path = path;
  base.format = file->format();
  base.metadata = file->metadata();
  std::vector<InspectReport> reports;
  if (LooksLikeLora(file->tensors())) return {InspectLora(file, base)};
  for (const NetworkKind kind : FindNetworks(file)) {
    reports.push_back(InspectNetwork(file, kind, base));
  }
  if (reports.empty()) reports.push_back(InspectOther(*file, base));
  return reports;
}

Report Inspect(const std::string& path) {
  const std::vector<InspectReport> reports = InspectFile(path);
  Report result;
  ordered_json networks = ordered_json::array();
  for (const InspectReport& report : reports) {
    result.text += ToText(report);
    networks.push_back(ToJson(report));
  }
  // A combined file's first network stands in front, the others are listed with it.
  ordered_json json = networks.front();
  if (reports.size() > 1) json["networks"] = networks;
  result.json = json.dump(2);
  return result;
}

}  // namespace t3
