// Quantised files are recognised by what they declare, by the tensors that they add, and by dtypes.
#include "weights/quantisation.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"

namespace t3 {
namespace {

using nlohmann::json;

struct Mark {
  std::string_view suffix;  // of a tensor's name
  std::string_view format;
};

// The more specific suffixes first: several formats have some of the others' tensors.
constexpr Mark kMarks[] = {
    {".wscales", "SVDQuant (Nunchaku)"},
    {".wcscales", "SVDQuant (Nunchaku)"},
    {".wtscale", "SVDQuant (Nunchaku)"},
    {".smooth_factor", "SVDQuant (Nunchaku)"},
    {".smooth_factor_orig", "SVDQuant (Nunchaku)"},
    {".qzeros", "GPTQ or AWQ"},
    {".g_idx", "GPTQ"},
    {".qweight", "packed integers (GPTQ, AWQ or SVDQuant)"},
    {".absmax", "4 bits by bitsandbytes"},
    {".quant_map", "4 bits by bitsandbytes"},
    {".nested_absmax", "4 bits by bitsandbytes"},
    {".quant_state.bitsandbytes__nf4", "NF4 by bitsandbytes"},
    {".quant_state.bitsandbytes__fp4", "FP4 by bitsandbytes"},
    {".SCB", "int8 by bitsandbytes"},
    {".int8_weight", "TurboDiffusion's int8"},
    {".weight._data", "a form of optimum-quanto"},
    {".weight._scale", "a form of optimum-quanto"},
    {".W_q", "HQQ"},
    {".weight_packed", "a packed form of compressed-tensors"},
    {".weight_zero_point", "integers with zero points"},
    {".weight_scale_2", "NVFP4"},
    {".weight_scale_inv", "block-wise fp8"},
    {".pre_quant_scale", "a form with scales of the inputs"},
};

// The formats that ComfyUI declares: all of them are a weight times a scale.
constexpr std::string_view kScaled[] = {"float8_e4m3fn", "float8_e5m2", "int8_tensorwise",
                                        "int8_blockwise"};
// What a declaration may add to a format without changing its values: the scale's shape gives the
// size of the blocks and whether each row has its own.
constexpr std::string_view kHarmless[] = {"format",      "full_precision_matrix_mult",
                                          "group_size",  "block_size",
                                          "per_channel", "convrot_groupsize"};

// Names for the others; what is not among them is named as it stands in the file.
std::string FormatName(const std::string& format) {
  if (format == "nvfp4") return "NVFP4";
  if (format == "mxfp8") return "MXFP8";
  if (format == "mxfp4") return "MXFP4";
  return Quote(format);
}

template <size_t kSize>
bool IsOneOf(const std::string_view (&names)[kSize], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// What ComfyUI's declaration {"format": ..., ...} of a layer means for t3; nullopt where the layer
// is a weight times a scale.
std::optional<std::string> UnsupportedDeclaration(const json& layer) {
  if (!layer.is_object() || !layer.contains("format") || !layer["format"].is_string()) {
    return "an undeclared format";
  }
  const std::string format = layer["format"].get<std::string>();
  const bool scaled = IsOneOf(kScaled, format);
  for (const auto& [key, value] : layer.items()) {
    const bool changes_nothing =
        IsOneOf(kHarmless, key) || key.starts_with("orig_") || value.is_null() || value == false;
    if (changes_nothing) continue;
    if (key.find("rot") != std::string::npos) return FormatName(format) + ", rotated";
    if (scaled) return fmt::format("{} with {}", FormatName(format), Quote(key));
  }
  return scaled ? std::nullopt : std::optional(FormatName(format));
}

std::string Found(const std::string& format, const std::string& where) {
  return fmt::format("{} ({})", format, Quote(where));
}

std::string InDeclarations(const TensorViews& tensors, const Metadata& metadata) {
  for (const auto& [name, view] : tensors) {
    if (!name.ends_with(".comfy_quant")) continue;
    const std::span text(view.data, static_cast<size_t>(view.bytes));
    const auto fault = UnsupportedDeclaration(ParseJson(text, Quote(name)));
    if (fault) return Found(*fault, name);
  }
  constexpr const char* kKey = "_quantization_metadata";
  const auto declared = metadata.find(kKey);
  if (declared == metadata.end()) return "";
  const json document = ParseJson(declared->second, kKey);
  if (!document.is_object() || !document.contains("layers") || !document["layers"].is_object()) {
    return Found("an undeclared format", kKey);
  }
  for (const auto& [layer, declaration] : document["layers"].items()) {
    if (const auto fault = UnsupportedDeclaration(declaration)) return Found(*fault, layer);
  }
  return "";
}

std::string InNames(const TensorViews& tensors) {
  for (const Mark& mark : kMarks) {
    for (const auto& [name, view] : tensors) {
      if (name.ends_with(mark.suffix)) return Found(std::string(mark.format), name);
    }
  }
  return "";
}

bool HasScale(const TensorViews& tensors, std::string_view weight) {
  const std::string layer(weight.substr(0, weight.rfind('.')));
  return tensors.contains(layer + ".weight_scale") || tensors.contains(layer + ".scale_weight");
}

std::string InDTypes(const TensorViews& tensors) {
  for (const auto& [name, view] : tensors) {
    if (name.ends_with(".weight") && view.shape.size() >= 2) {
      if (view.dtype == DType::kI8 && !HasScale(tensors, name)) {
        return Found("int8 without scales", name);
      }
      if (view.dtype == DType::kU8) return Found("packed integers", name);
    }
    const bool scale = name.ends_with(".weight_scale") || name.ends_with(".scale_weight");
    if (scale && view.dtype == DType::kU8) return Found("MXFP8", name);
    if (scale && (view.dtype == DType::kF8E4M3 || view.dtype == DType::kF8E5M2)) {
      return Found("NVFP4", name);
    }
  }
  return "";
}

}  // namespace

std::string FindUnsupportedQuantisation(const TensorViews& tensors, const Metadata& metadata) {
  std::string found = InDeclarations(tensors, metadata);
  if (found.empty()) found = InNames(tensors);
  if (found.empty()) found = InDTypes(tensors);
  return found;
}

void CheckNotQuantised(const TensorViews& tensors, const Metadata& metadata,
                       const std::string& path) {
  const std::string found = FindUnsupportedQuantisation(tensors, metadata);
  T3_CHECK(found.empty(),
           "{} is quantised to {}, which t3 does not read; use the model's fp32, fp16, bf16, "
           "fp8 or GGUF file (fp8 and int8 may have a scale per tensor, row or block)",
           path, found);
}

}  // namespace t3
