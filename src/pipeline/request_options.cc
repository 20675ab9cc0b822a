// Options from text.
#include "t3video/request_options.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/bytes.h"
#include "base/check.h"
#include "base/parse_number.h"

namespace t3 {
namespace {

template <typename T>
T WholeNumber(const Option& option, std::string_view text) {
  const std::optional<T> value = ParseNumber<T>(text);
  if (!value) FailUsage("`{}` '{}' is not a whole number", option.name, text);
  return *value;
}

uint64_t DrawSeed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace

std::string_view ComputeDtypeName(ComputeDtype dtype) {
  switch (dtype) {
    case ComputeDtype::kBf16:
      return "bf16";
    case ComputeDtype::kFp32:
      return "fp32";
    case ComputeDtype::kFp8:
      return "fp8";
    case ComputeDtype::kAuto:
      break;
  }
  return "auto";
}

ComputeDtype ParseComputeDtype(std::string_view name) {
  for (const ComputeDtype dtype :
       {ComputeDtype::kAuto, ComputeDtype::kBf16, ComputeDtype::kFp32, ComputeDtype::kFp8}) {
    if (ComputeDtypeName(dtype) == name) return dtype;
  }
  FailUsage("`dtype` '{}' is not a compute type; use auto, bf16, fp32 or fp8", name);
}

VideoSize ParseSize(std::string_view text, const char* option) {
  const size_t x = text.find_first_of("xX");
  if (x != std::string_view::npos) {
    const auto width = ParseNumber<int64_t>(text.substr(0, x));
    const auto height = ParseNumber<int64_t>(text.substr(x + 1));
    if (width && height && *width > 0 && *height > 0) return {*width, *height};
  }
  FailUsage("`{}` '{}' is not a size; write WIDTHxHEIGHT, e.g. 3840x2160", option, text);
}

uint64_t ParseSeed(std::string_view text) {
  if (text == "-1") return DrawSeed();
  const std::optional<uint64_t> seed = ParseNumber<uint64_t>(text);
  if (!seed) {
    FailUsage("`seed` '{}' is not a seed; give a whole number from 0 to 2^64-1, or -1 to draw one",
              text);
  }
  return *seed;
}

void ParseOption(const Option&, std::string_view text, std::string& value) { value = text; }

void ParseOption(const Option&, std::string_view text, std::optional<std::string>& value) {
  value = std::string(text);
}

void ParseOption(const Option& option, std::string_view text, std::optional<int64_t>& value) {
  value = WholeNumber<int64_t>(option, text);
}

void ParseOption(const Option& option, std::string_view text, std::optional<int>& value) {
  value = WholeNumber<int>(option, text);
}

void ParseOption(const Option& option, std::string_view text, std::optional<double>& value) {
  value = ParseNumber<double>(text);
  if (!value) FailUsage("`{}` '{}' is not a number", option.name, text);
}

void ParseOption(const Option& option, std::string_view text, std::optional<VideoSize>& value) {
  value = ParseSize(text, option.name);
}

void ParseOption(const Option& option, std::string_view text, std::optional<DraftChoice>& value) {
  if (text == "none") {
    value = DraftChoice{};
    return;
  }
  try {
    value = DraftChoice{ParseSize(text)};
  } catch (const Error&) {
    FailUsage("`{}` '{}' is not a size; write WIDTHxHEIGHT, e.g. 512x288, or none", option.name,
              text);
  }
}

void ParseOption(const Option& option, std::string_view text, std::optional<bool>& value) {
  if (text != "on" && text != "off" && text != "true" && text != "false")
    FailUsage("`{}` '{}' is neither on nor off", option.name, text);
  value = text == "on" || text == "true";
}

void ParseOption(const Option&, std::string_view text, std::optional<Sampler>& value) {
  value = ParseSampler(text);
}

void ParseOption(const Option&, std::string_view text, std::optional<AttentionPattern>& value) {
  value.reset();
  if (text != "auto") value = ParseAttention(text);
}

void ParseOption(const Option&, std::string_view text, WindowCycle& value) {
  value = ParseWindows(text);
}

void ParseOption(const Option& option, std::string_view text, std::vector<double>& value) {
  value.clear();
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    std::string_view item = text.substr(at, end - at);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    const std::optional<double> number = ParseNumber<double>(item);
    if (!number)
      FailUsage("`{}` '{}' is not a list of numbers such as 1000,757,522", option.name, text);
    value.push_back(*number);
    at = end + 1;
  }
}

void ParseOption(const Option&, std::string_view text, ComputeDtype& value) {
  value = ParseComputeDtype(text);
}

void ParseOption(const Option&, std::string_view text, std::optional<uint64_t>& value) {
  value = ParseSeed(text);
}

void ParseOption(const Option& option, std::string_view text, int64_t& value) {
  value = option.bytes ? ParseBytes(text) : WholeNumber<int64_t>(option, text);
}

void ParseOption(const Option& option, std::string_view text, bool& value) {
  if (text != "true" && text != "false")
    FailUsage("`{}` '{}' is neither true nor false", option.name, text);
  value = text == "true";
}

void ParseOption(const Option&, std::string_view text, std::vector<Lora>& value) {
  value.push_back(ParseLora(text));
}

void ParseOption(const Option& option, std::string_view text,
                 std::optional<std::vector<Lora>>& value) {
  const bool none = text == "none";
  // An empty list is that of an earlier "none".
  if (value && (none || value->empty()))
    FailUsage("`{}` none leaves all LoRAs out, and more was given; give one of the two",
              option.name);
  if (!value) value.emplace();
  if (!none) value->push_back(ParseLora(text));
}

bool SetOption(Request& request, std::string_view name, std::string_view text) {
  bool found = false;
  VisitRequestOptions(request, [&](const Option& option, auto& member) {
    if (name != option.name) return;
    ParseOption(option, text, member);
    found = true;
  });
  return found;
}

}  // namespace t3
