// t3 inspect: recognising files.
#include "tools/inspect.h"

#include <algorithm>
#include <filesystem>

#include "arch/dit.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "loading/load_models.h"
#include "loading/model_files.h"
#include "loading/network.h"
#include "nn/load.h"
#include "nn/lora.h"
#include "t3video/tools.h"
#include "weights/lora.h"
#include "weights/quantisation.h"
#include "weights/tensor_values.h"

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

// ComfyUI's files have original names (DiT, VAE) or transformers' names (text encoder); prefixes
// and extra tensors identify them.
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
    CheckNotQuantised(file->tensors(), file->metadata(), report.path);
    const Network network = OpenNetwork(file, kind);
    report.sizes = network.sizes;
    report.preset = network.preset;
    if (kind == NetworkKind::kVae) report.kind += " " + report.sizes["version"].get<std::string>();
    report.differences = CompareWithTable(network.table, network.views.tensors);
    if (!report.differences.none()) return report;
    CheckComplete(network.views, network.table, report.kind);
    report.complete = true;
  } catch (const Error& error) {
    report.note = error.what();
  }
  return report;
}

InspectReport InspectLora(const std::shared_ptr<const WeightFile>& file, InspectReport report) {
  report.kind = "LoRA";
  Count(file->tensors(), &report);
  try {
    const LoraFile lora = ReadLora(file, ModulesOf(DitNaming()));
    std::map<std::string, int64_t> ranks;
    for (const auto& [name, delta] : lora.deltas) {
      ++ranks[delta.down ? fmt::format("rank {}", delta.down->shape[0]) : "full"];
    }
    report.sizes = {{"network", "DiT"},
                    {"changed_tensors", lora.deltas.size()},
                    {"ranks", ranks},
                    {"strength", DescribeLora(lora)}};
    for (const auto& [name, view] : file->tensors()) {
      T3_CHECK(AllFinite(view), "the tensor {} holds NaN or infinity; the file is damaged",
               Quote(name));
    }
    report.note = fmt::format("{}", fmt::join(lora.notes, "; "));
    report.complete = true;
  } catch (const Error& error) {
    report.note = error.what();
  }
  return report;
}

// A file that t3 writes: the tensor that identifies it and its number of axes.
struct OwnFile {
  const char* tensor;
  const char* kind;
  size_t rank;
};
constexpr OwnFile kOwnFiles[] = {{"latents", "latents", 4},
                                 {"video", "video", 4},
                                 {"prompt", "text embeddings", 2},
                                 {"noise", "noise", 4}};

InspectReport InspectOther(const WeightFile& file, InspectReport report) {
  Count(file.tensors(), &report);
  report.kind = "unknown";
  for (const OwnFile& own : kOwnFiles) {
    const auto found = file.tensors().find(own.tensor);
    if (found == file.tensors().end()) continue;
    const TensorView& view = found->second;
    report.kind = own.kind;
    report.sizes = {{"shape", view.shape}};
    const bool batch = view.shape.size() == own.rank + 1 && view.shape[0] == 1;
    if (view.dtype > DType::kBF16 || (view.shape.size() != own.rank && !batch)) {
      report.note =
          fmt::format("tensor {} is {} ({}), wanted floating point with {} axes", own.tensor,
                      DTypeName(view.dtype), fmt::join(view.shape, ", "), own.rank);
    } else if (!AllFinite(view)) {
      report.note = fmt::format("tensor {} holds NaN or infinity", own.tensor);
    } else {
      report.complete = true;
    }
    return report;
  }
  const std::string quantised = FindUnsupportedQuantisation(file.tensors(), file.metadata());
  report.note =
      quantised.empty()
          ? "not a DiT, text encoder, VAE or LoRA that t3 knows, nor a file that t3 writes"
          : "quantised to " + quantised + ", which t3 does not read";
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

// A metadata value on one line: lists of numbers by their length, texts cut.
std::string ValueText(const std::string& value) {
  if (value.starts_with('[') && value.ends_with(']')) {
    return Counted(std::count(value.begin(), value.end(), ',') + 1, "number");
  }
  const std::string quoted = Quote(value);
  return quoted == "'" + value + "'" ? value : quoted;
}

std::string ToText(const InspectReport& r) {
  std::string text = fmt::format("{}\n  {}{}, {}{}\n", r.path, r.kind,
                                 r.preset.empty() ? "" : " (" + r.preset + ")", r.format,
                                 r.naming.empty() ? "" : ", " + r.naming + " names");
  text += fmt::format("  {}, {:.6g} M parameters, {}: {}\n", Counted(r.tensors, "tensor"),
                      static_cast<double>(r.parameters) / 1e6, FormatBytes(r.bytes),
                      DTypeText(r.dtypes));
  if (!r.sizes.is_null()) text += fmt::format("  {}\n", SizesText(r.sizes));
  for (const auto& [key, value] : r.metadata) {
    if (key.starts_with("t3."))
      text += fmt::format("  {} = {}\n", Printable(key), ValueText(value));
  }
  if (r.kind != "unknown") text += r.complete ? "  complete\n" : "  NOT complete\n";
  for (const std::string& part : {DescribeDifferences(r.differences), Printable(r.note)}) {
    if (!part.empty()) text += fmt::format("  {}\n", part);
  }
  return text;
}

// Every network of a model's folder, then whether they make a model.
Report InspectFolder(const std::string& path) {
  const ModelPaths paths = FindModelFiles({.model = path});
  std::vector<std::string> files;
  for (const std::string& file : {paths.dit, paths.text_encoder, paths.vae}) {
    if (!file.empty() && std::find(files.begin(), files.end(), file) == files.end()) {
      files.push_back(file);
    }
  }
  Report result;
  ordered_json networks = ordered_json::array();
  for (const std::string& file : files) {
    for (const InspectReport& report : InspectFile(file)) {
      result.text += ToText(report);
      networks.push_back(ToJson(report));
    }
  }
  const std::string fault = FaultOfModel(path);
  result.complete = fault.empty();
  result.text +=
      fmt::format("{}\n  {}\n", paths.folder,
                  fault.empty() ? "complete model" : "NOT complete: " + Printable(fault));
  result.json = DumpJson(ordered_json{{"path", paths.folder},
                                      {"kind", "model"},
                                      {"complete", result.complete},
                                      {"note", fault},
                                      {"networks", networks}},
                         2);
  return result;
}

// True for a folder that holds a LoRA and no model.
bool IsLoraFolder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::path(path) / "adapter_config.json", ignored) ||
         std::filesystem::exists(std::filesystem::path(path) / "pytorch_lora_weights.safetensors",
                                 ignored);
}

}  // namespace

std::vector<InspectReport> InspectFile(const std::string& path) {
  const auto file = WeightFile::Open(path);
  InspectReport base;
  base.path = path;
  base.format = file->format();
  base.metadata = file->metadata();
  std::vector<InspectReport> reports;
  const bool quantised = !FindUnsupportedQuantisation(file->tensors(), file->metadata()).empty();
  // Some quantised forms have factors of low rank, which look like a LoRA's.
  if (!quantised && LooksLikeLora(file->tensors())) return {InspectLora(file, base)};
  for (const NetworkKind kind : FindNetworks(file)) {
    reports.push_back(InspectNetwork(file, kind, base));
  }
  if (reports.empty()) reports.push_back(InspectOther(*file, base));
  for (const std::string& note : file->notes()) {
    std::string& text = reports.front().note;
    text += (text.empty() ? "" : "; ") + note;
  }
  return reports;
}

std::string FaultOfModel(const std::string& path) {
  try {
    const ModelInfo model = OpenModel({.model = path});
    CheckDit(model);
    CheckTextEncoder(model);
    CheckVae(model);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

Report Inspect(const std::string& path) {
  std::error_code ignored;
  const bool folder = path == "demo" || std::filesystem::is_directory(path, ignored);
  if (folder && !IsLoraFolder(path)) return InspectFolder(path);
  const std::vector<InspectReport> reports = InspectFile(FindLoraFile(path));
  Report result;
  ordered_json networks = ordered_json::array();
  for (const InspectReport& report : reports) {
    result.text += ToText(report);
    result.complete = result.complete && report.complete;
    networks.push_back(ToJson(report));
  }
  // The first network of a combined file at the top, all of them in the list.
  ordered_json document = networks.front();
  if (reports.size() > 1) document["networks"] = networks;
  result.json = DumpJson(document, 2);
  return result;
}

}  // namespace t3
