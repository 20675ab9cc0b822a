// t3 inspect: recognising files.
#include "tools/inspect.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "arch/dit.h"
#include "arch/taehv.h"
#include "base/check.h"
#include "base/text.h"
#include "loading/load_models.h"
#include "loading/model_files.h"
#include "loading/network.h"
#include "nn/load.h"
#include "nn/lora.h"
#include "tools/quantised_forms.h"
#include "weights/lora.h"
#include "weights/quantisation.h"
#include "weights/tensor_values.h"

namespace t3 {
namespace {

void AddNote(const std::string& note, InspectReport* report) {
  report->note += (report->note.empty() ? "" : "; ") + note;
}

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
    const std::string& name = item.first;
    return name.find("diffusion_model.") != std::string::npos ||
           name.starts_with("text_encoders.") || name.starts_with("first_stage_model.") ||
           name == "spiece_model" || name == "scaled_fp8" || name.ends_with(".scale_weight") ||
           name.ends_with(".comfy_quant");
  };
  const TensorViews& stored = views.file->tensors();
  const bool comfy = views.metadata.contains("_quantization_metadata") ||
                     std::any_of(stored.begin(), stored.end(), from_comfy);
  const bool gguf = views.file->format().starts_with("GGUF");  // has spiece_model by t3 itself
  return comfy && !gguf ? "ComfyUI" : fmt::format("{}", fmt::join(views.styles, " and "));
}

InspectReport InspectNetwork(const std::shared_ptr<const WeightFile>& file, NetworkKind kind,
                             InspectReport report) {
  report.kind = NetworkName(kind);
  const NamedViews views = NameTensors(file, NamingOf(kind, file->tensors()));
  Count(views.tensors, &report);
  report.naming = NamingStyle(views);
  report.quantisation = QuantisedForms(views);
  report.note = fmt::format("{}", fmt::join(views.notes, "; "));
  try {
    CheckNotQuantised(file->tensors(), file->metadata(), report.path);
    const Network network = OpenNetwork(file, kind);
    report.sizes = network.sizes;
    report.preset = network.preset;
    if (kind == NetworkKind::kVae)
      report.kind += " " + std::get<std::string>(FindSize(report.sizes, "version")->value);
    report.differences = CompareWithTable(network.table, network.views.tensors);
    if (!report.differences.none()) return report;
    CheckComplete(network.views, network.table, report.kind);
    report.complete = true;
    const std::string foreign = kind == NetworkKind::kTaehv ? ForeignTaehv(report.path) : "";
    if (!foreign.empty()) report.note = "by its name it decodes latents of " + foreign;
  } catch (const Error& error) {
    AddNote(error.what(), &report);
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
                    {"changed_tensors", std::ssize(lora.deltas)},
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
          ? "not a DiT, text encoder, VAE, TAEHV or LoRA that t3 knows, nor a file that t3 writes"
          : "quantised to " + quantised + ", which t3 does not read";
  return report;
}

// The LoRAs that a folder names for its denoiser; none where the model cannot be opened, of which
// FaultOfModel says why.
std::vector<InspectReport> InspectOwnLoras(const std::string& path) {
  std::map<std::string, std::vector<std::string>> uses;  // by the file
  try {
    const ModelInfo model = OpenModel({.model = path}, FolderLoras::kApplied);
    for (const Lora& lora : model.loras)
      uses[lora.path].push_back(fmt::format("the model's own, x {}", lora.scale));
    if (model.refiner) {
      for (const Lora& lora : model.refiner->loras)
        uses[lora.path].push_back(fmt::format("the model's own for refining, x {}", lora.scale));
    }
  } catch (const Error&) {
    return {};
  }
  std::vector<InspectReport> reports;
  for (const auto& [file, of_file] : uses) {
    for (InspectReport& report : InspectFile(file)) {
      AddNote(fmt::format("{}", fmt::join(of_file, "; ")), &report);
      reports.push_back(std::move(report));
    }
  }
  return reports;
}

// Every network of a model's folder, then whether they make a model.
InspectResult InspectFolder(const std::string& path) {
  const ModelPaths paths = FindModelFiles({.model = path});
  std::vector<std::string> files;
  for (const std::string& file : {paths.dit, paths.text_encoder, paths.vae, paths.decoder}) {
    if (!file.empty() && std::find(files.begin(), files.end(), file) == files.end()) {
      files.push_back(file);
    }
  }
  InspectResult result{.path = paths.folder, .model = true};
  for (const std::string& file : files)
    std::ranges::move(InspectFile(file), std::back_inserter(result.reports));
  std::ranges::move(InspectOwnLoras(path), std::back_inserter(result.reports));
  result.note = FaultOfModel(path);
  result.complete = result.note.empty();
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

const SizeField* FindSize(const std::vector<SizeField>& sizes, std::string_view name) {
  const auto found = std::ranges::find(sizes, name, &SizeField::name);
  return found == sizes.end() ? nullptr : &*found;
}

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
  for (const std::string& note : file->notes()) AddNote(note, &reports.front());
  return reports;
}

std::string FaultOfModel(const std::string& path) {
  try {
    const ModelInfo model = OpenModel({.model = path}, FolderLoras::kApplied);
    CheckDit(model);
    CheckTextEncoder(model);
    CheckVae(model);
    CheckDecoder(model);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

InspectResult Inspect(const std::string& path) {
  std::error_code ignored;
  const bool folder = path == "demo" || std::filesystem::is_directory(path, ignored);
  if (folder && !IsLoraFolder(path)) return InspectFolder(path);
  InspectResult result{.path = FindLoraFile(path)};
  result.reports = InspectFile(result.path);
  result.complete = std::ranges::all_of(result.reports, &InspectReport::complete);
  return result;
}

}  // namespace t3
