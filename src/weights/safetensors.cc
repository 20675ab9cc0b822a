// ParseSafetensors.
#include "weights/safetensors.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace t3 {
namespace {

using nlohmann::json;

// The limit of the reference implementation.
constexpr uint64_t kMaxHeader = 100'000'000;

int64_t NonNegative(const json& value, const std::string& name, const char* field) {
  const bool good = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX) &&
                    value.get<int64_t>() >= 0;
  T3_CHECK(good, "tensor {}: {} is {}, wanted a whole number from 0 to 2^63-1", Quote(name), field,
           value.is_number() ? value.dump() : std::string("a ") + value.type_name());
  return value.get<int64_t>();
}

const json& Field(const json& entry, const std::string& name, const char* field) {
  T3_CHECK(entry.is_object() && entry.contains(field), "tensor {} has no {}", Quote(name), field);
  return entry[field];
}

// What a dtype that no network is computed from says about the file.
std::string_view QuantisedDType(std::string_view dtype) {
  if (dtype == "F4") return ": the file is quantised to NVFP4 or MXFP4; use its bf16 or fp8 form";
  if (dtype == "F8_E8M0") return ": the file is quantised to MXFP8; use its bf16 or fp8 form";
  if (dtype.starts_with("F6_")) return ": the file is quantised to MXFP6; use its bf16 or fp8 form";
  if (dtype == "U32") return ": packed quantised weights, as MLX writes them; use its bf16 form";
  return "";
}

DType ReadDType(const json& entry, const std::string& name) {
  const json& field = Field(entry, name, "dtype");
  T3_CHECK(field.is_string(), "tensor {}: dtype is not a string", Quote(name));
  const auto dtype = FindDType(field.get_ref<const std::string&>());
  T3_CHECK(dtype.has_value(), "tensor {}: dtype {} is not supported{}", Quote(name),
           Quote(field.get_ref<const std::string&>()),
           QuantisedDType(field.get_ref<const std::string&>()));
  return *dtype;
}

std::vector<int64_t> ReadShape(const json& entry, const std::string& name) {
  const json& field = Field(entry, name, "shape");
  T3_CHECK(field.is_array() && field.size() <= kMaxRank,
           "tensor {}: shape is not a list of at most {} sizes", Quote(name), kMaxRank);
  std::vector<int64_t> shape;
  for (const json& size : field) shape.push_back(NonNegative(size, name, "a size in shape"));
  return shape;
}

TensorView ReadTensor(const json& entry, const std::string& name, Bytes data) {
  TensorView view;
  view.dtype = ReadDType(entry, name);
  view.shape = ReadShape(entry, name);
  const json& offsets = Field(entry, name, "data_offsets");
  T3_CHECK(offsets.is_array() && offsets.size() == 2, "tensor {}: data_offsets is not [begin, end]",
           Quote(name));
  const int64_t begin = NonNegative(offsets[0], name, "data_offsets[0]");
  const int64_t end = NonNegative(offsets[1], name, "data_offsets[1]");
  T3_CHECK(begin <= end, "tensor {}: data_offsets [{}, {}] run backwards", Quote(name), begin, end);
  T3_CHECK(std::cmp_less_equal(end, data.size()),
           "tensor {} ends at data byte {}, but the file has only {}: it is truncated; fetch it "
           "again",
           Quote(name), end, data.size());
  const auto wanted = ContiguousBytes(view.shape, view.dtype);
  T3_CHECK(wanted == end - begin, "tensor {}: {} [{}] takes {} bytes, data_offsets give {}",
           Quote(name), DTypeName(view.dtype), fmt::join(view.shape, ", "),
           wanted ? fmt::to_string(*wanted) : "more than 2^63", end - begin);
  view.data = data.data() + begin;
  view.bytes = end - begin;
  return view;
}

// The rule of the reference reader: in the order of their offsets, tensors cover the data without
// overlaps, holes or bytes after the last one. Anything else is a sign of a damaged or manipulated
// file.
void CheckCoverage(const TensorViews& tensors, Bytes data) {
  using Range = std::tuple<const std::byte*, const std::byte*, std::string_view>;
  std::vector<Range> ranges;
  for (const auto& [name, view] : tensors) {
    ranges.emplace_back(view.data, view.data + view.bytes, name);
  }
  std::sort(ranges.begin(), ranges.end());
  const std::byte* end = data.data();
  std::string_view before;
  std::string uncovered;
  for (const auto& [first, last, name] : ranges) {
    T3_CHECK(first >= end, "tensors {} and {} overlap in the file", Quote(before), Quote(name));
    if (first > end) uncovered = fmt::format("{} bytes before tensor {}", first - end, Quote(name));
    end = last;
    before = name;
  }
  const int64_t rest = data.data() + data.size() - end;
  if (rest > 0) uncovered = fmt::format("{} bytes after the last tensor", rest);
  T3_CHECK(uncovered.empty(), "{} belong to no tensor: the file is damaged; fetch it again",
           uncovered);
}

Metadata ReadMetadata(const json& entry) {
  T3_CHECK(entry.is_object(), "__metadata__ is not an object of strings");
  Metadata metadata;
  for (const auto& [key, value] : entry.items()) {
    T3_CHECK(value.is_string(), "__metadata__ entry {} is not a string", Quote(key));
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

}  // namespace

ParsedWeights ParseSafetensors(Bytes file) {
  ByteReader reader(file, "the safetensors header");
  const auto length = reader.Read<uint64_t>();
  T3_CHECK(length <= kMaxHeader, "the safetensors header claims {} bytes, the limit is {}", length,
           kMaxHeader);
  const json header = ParseJson(reader.Take(length), "the safetensors header");
  T3_CHECK(header.is_object(), "the safetensors header is not a JSON object");
  const Bytes data = file.subspan(reader.position());
  ParsedWeights weights;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      weights.metadata = ReadMetadata(entry);
    } else {
      weights.tensors.emplace(name, ReadTensor(entry, name, data));
    }
  }
  CheckCoverage(weights.tensors, data);
  return weights;
}

}  // namespace t3
