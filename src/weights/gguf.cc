// ParseGguf.
#include "weights/gguf.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "weights/gguf_metadata.h"
#include "weights/gguf_tokenizer.h"
#include "weights/gguf_types.h"

namespace t3 {
namespace {

constexpr std::string_view kShapePrefix = "comfy.gguf.orig_shape.";
// As of safetensors. UMT5's vocabulary takes 6 MB.
constexpr uint64_t kMaxGgufHeader = 100'000'000;
// The smallest entry of the table: length of the name, number of axes, type and offset.
constexpr uint64_t kMinEntry = 8 + 4 + 4 + 8;

struct TensorEntry {
  std::string name;
  TensorView view;      // without data
  uint64_t offset = 0;  // from the start of the data
};

void CheckVersion(uint32_t version) {
  T3_CHECK(version < 1U << 16,
           "it is a big-endian GGUF file, which t3 does not read; convert it "
           "with gguf-convert-endian of the Python package gguf");
  T3_CHECK(version == 2 || version == 3, "it is GGUF version {}, wanted 2 or 3", version);
}

std::vector<int64_t> ReadShape(ByteReader& reader, const std::string& name) {
  const auto axes = reader.Read<uint32_t>();
  T3_CHECK(axes <= kMaxRank, "tensor {} has {} axes, the limit is {}", Quote(name), axes, kMaxRank);
  std::vector<int64_t> shape(axes);
  for (int64_t& size : shape) {
    const auto value = reader.Read<uint64_t>();
    T3_CHECK(value <= INT64_MAX, "tensor {} has an axis of {}", Quote(name), value);
    size = static_cast<int64_t>(value);
  }
  std::reverse(shape.begin(), shape.end());  // ggml has the fastest axis first
  return shape;
}

DType ReadDType(ByteReader& reader, const std::string& name) {
  const auto id = reader.Read<uint32_t>();
  const GgufType* type = FindGgufType(id);
  T3_CHECK(type != nullptr, "tensor {} has the ggml type {}, which t3 does not know", Quote(name),
           id);
  T3_CHECK(type->dtype.has_value(),
           "tensor {} is stored as {}, which t3 does not read; use a file in F16, BF16, Q8_0, "
           "Q4_0, Q4_1, Q5_0, Q5_1 or Q2_K to Q6_K",
           Quote(name), type->name);
  return *type->dtype;
}

TensorEntry ReadTensorEntry(ByteReader& reader) {
  TensorEntry entry;
  entry.name = TakeGgufString(reader);
  T3_CHECK(IsUtf8(entry.name) && !entry.name.empty(), "a tensor's name is {}, wanted UTF-8",
           Quote(entry.name));
  entry.view.shape = ReadShape(reader, entry.name);
  entry.view.dtype = ReadDType(reader, entry.name);
  entry.offset = reader.Read<uint64_t>();
  const int64_t block = BlockOf(entry.view.dtype).elements;
  const int64_t row = entry.view.shape.empty() ? 1 : entry.view.shape.back();
  T3_CHECK(row % block == 0, "tensor {}: rows of {} values do not fill {}'s blocks of {}",
           Quote(entry.name), row, DTypeName(entry.view.dtype), block);
  const auto bytes = ContiguousBytes(entry.view.shape, entry.view.dtype);
  T3_CHECK(bytes.has_value(), "tensor {} [{}] takes more than 2^63 bytes", Quote(entry.name),
           fmt::join(entry.view.shape, ", "));
  entry.view.bytes = *bytes;
  return entry;
}

uint64_t AlignmentOf(const GgufMetadata& metadata) {
  const auto found = metadata.texts.find("general.alignment");
  if (found == metadata.texts.end()) return 32;
  const std::string& text = found->second;
  uint64_t alignment = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), alignment);
  T3_CHECK(parsed.ptr == text.data() + text.size() && std::has_single_bit(alignment) &&
               alignment <= uint64_t{1} << 20,
           "general.alignment is {}, wanted a power of two up to 2^20", Quote(text));
  return alignment;
}

void PlaceInFile(Bytes data, uint64_t alignment, TensorEntry* entry) {
  T3_CHECK(entry->offset % alignment == 0,
           "tensor {} begins at data byte {}, wanted a multiple of "
           "{}",
           Quote(entry->name), entry->offset, alignment);
  T3_CHECK(entry->offset <= data.size() &&
               static_cast<uint64_t>(entry->view.bytes) <= data.size() - entry->offset,
           "tensor {} takes {} bytes from data byte {}, but the file has only {}: it is truncated; "
           "fetch it again",
           Quote(entry->name), entry->view.bytes, entry->offset, data.size());
  entry->view.data = data.data() + entry->offset;
}

// ComfyUI flattens tensors of more than four axes, and others whose rows do not fill blocks.
void RestoreShape(const GgufMetadata& metadata, TensorEntry* entry) {
  const auto found = metadata.lists.find(std::string(kShapePrefix) + entry->name);
  if (found == metadata.lists.end()) return;
  T3_CHECK(found->second.size() <= kMaxRank, "tensor {}: its original shape has {} axes",
           Quote(entry->name), found->second.size());
  std::vector<int64_t> shape = found->second.Integers();
  T3_CHECK(ContiguousBytes(shape, entry->view.dtype) == entry->view.bytes &&
               ContiguousBytes(shape, DType::kU8) == entry->view.elements(),
           "tensor {} holds {} values, but its original shape is [{}]", Quote(entry->name),
           entry->view.elements(), fmt::join(shape, ", "));
  entry->view.shape = std::move(shape);
}

void CheckNoOverlap(const std::vector<TensorEntry>& entries) {
  std::vector<std::tuple<uint64_t, uint64_t, std::string_view>> ranges;
  for (const TensorEntry& entry : entries) {
    if (entry.view.bytes == 0) continue;
    ranges.emplace_back(entry.offset, entry.offset + static_cast<uint64_t>(entry.view.bytes),
                        entry.name);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    T3_CHECK(std::get<0>(ranges[i]) >= std::get<1>(ranges[i - 1]),
             "tensors {} and {} overlap in the file", Quote(std::get<2>(ranges[i - 1])),
             Quote(std::get<2>(ranges[i])));
  }
}

}  // namespace

ParsedWeights ParseGguf(Bytes file) {
  ByteReader reader(file.first(std::min<uint64_t>(file.size(), kMaxGgufHeader)),
                    "the GGUF header (of at most 100 MB)");
  T3_CHECK(AsText(reader.Take(4)) == "GGUF", "it does not begin with GGUF");
  CheckVersion(reader.Read<uint32_t>());
  const auto count = reader.Read<uint64_t>();
  const auto keys = reader.Read<uint64_t>();
  GgufMetadata metadata = ReadGgufMetadata(reader, keys);
  T3_CHECK(
      count <= reader.remaining() / kMinEntry,
      "the GGUF header claims {} tensors, but only {} bytes are left: it is truncated or damaged; "
      "fetch it again",
      count, reader.remaining());
  std::vector<TensorEntry> entries;
  for (uint64_t i = 0; i < count; ++i) entries.push_back(ReadTensorEntry(reader));

  const uint64_t alignment = AlignmentOf(metadata);
  const uint64_t begin = (reader.position() + alignment - 1) / alignment * alignment;
  const Bytes data = file.subspan(std::min<uint64_t>(begin, file.size()));
  ParsedWeights weights;
  for (TensorEntry& entry : entries) {
    PlaceInFile(data, alignment, &entry);
    RestoreShape(metadata, &entry);
    T3_CHECK(weights.tensors.emplace(entry.name, entry.view).second, "tensor {} comes twice",
             Quote(entry.name));
  }
  CheckNoOverlap(entries);
  AddGgufTokenizer(metadata, &weights);
  weights.metadata = std::move(metadata.texts);
  return weights;
}

}  // namespace t3
