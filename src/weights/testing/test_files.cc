// Builders of weight files for tests.
#include "weights/testing/test_files.h"

#include <cstring>

namespace t3::test {
namespace {

std::string LocalHeader(const ZipEntrySpec& entry) {
  const std::string& name = entry.local_name.value_or(entry.name);
  const auto size = static_cast<uint32_t>(entry.data.size());
  return "PK\x03\x04" + Le(20, 2) + Le(entry.flags, 2) + Le(entry.method, 2) + Le(0, 8) +
         Le(entry.stored_size.value_or(size), 4) + Le(entry.size.value_or(size), 4) +
         Le(name.size(), 2) + Le(0, 2) + name;
}

std::string CentralHeader(const ZipEntrySpec& entry, size_t offset) {
  const auto size = static_cast<uint32_t>(entry.data.size());
  return "PK\x01\x02" + Le(20, 2) + Le(20, 2) + Le(entry.flags, 2) + Le(entry.method, 2) +
         Le(0, 8) + Le(entry.stored_size.value_or(size), 4) + Le(entry.size.value_or(size), 4) +
         Le(entry.name.size(), 2) + Le(entry.central_extra.size(), 2) + Le(0, 2) +
         Le(entry.disk.value_or(0), 2) + Le(0, 6) +
         Le(entry.offset.value_or(static_cast<uint32_t>(offset)), 4) + entry.name +
         entry.central_extra;
}

}  // namespace

std::string Le(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(i < 8 ? value >> (8 * i) & 0xFF : 0);
  return text;
}

std::string Safetensors(std::string_view header, std::string_view data) {
  return Le(header.size(), 8).append(header).append(data);
}

namespace gguf {

std::string Text(std::string_view text) { return Le(text.size(), 8).append(text); }

std::string Pair(std::string_view key, uint32_t type, std::string_view value) {
  return (Text(key) + Le(type, 4)).append(value);
}

std::string ListPair(std::string_view key, uint32_t type, uint64_t count, std::string_view values) {
  return Pair(key, kList, (Le(type, 4) + Le(count, 8)).append(values));
}

std::string Whole(const File& file) {
  std::string whole = "GGUF" + Le(file.version, 4) +
                      Le(file.tensor_count.value_or(file.tensors.size()), 8) +
                      Le(file.pair_count.value_or(file.pairs.size()), 8);
  for (const std::string& pair : file.pairs) whole += pair;
  for (const Tensor& tensor : file.tensors) {
    whole += Text(tensor.name) + Le(tensor.axes.size(), 4);
    for (const uint64_t size : tensor.axes) whole += Le(size, 8);
    whole += Le(tensor.type, 4) + Le(tensor.offset, 8);
  }
  while (whole.size() % file.alignment != 0) whole += '\0';
  return whole + file.data;
}

}  // namespace gguf

std::string Zip(const ZipSpec& spec) {
  std::string zip;
  std::string directory;
  for (const ZipEntrySpec& entry : spec.entries) {
    directory += CentralHeader(entry, zip.size());
    zip += LocalHeader(entry) + entry.data;
  }
  const uint64_t offset = spec.directory_offset.value_or(zip.size());
  const uint64_t bytes = spec.directory_bytes.value_or(directory.size());
  const uint64_t count = spec.count.value_or(spec.entries.size());
  zip += directory;
  if (spec.zip64) {
    const uint64_t end = spec.zip64_end_offset.value_or(zip.size());
    zip += "PK\x06\x06" + Le(44, 8) + Le(45, 2) + Le(45, 2) + Le(0, 8) + Le(count, 8) +
           Le(count, 8) + Le(bytes, 8) + Le(offset, 8);
    zip += "PK\x06\x07" + Le(0, 4) + Le(end, 8) + Le(1, 4);
  }
  const uint64_t saturated = ~uint64_t{0};
  return zip + "PK\x05\x06" + Le(spec.disk.value_or(0), 2) + Le(0, 2) +
         Le(spec.zip64 ? saturated : count, 2) + Le(spec.zip64 ? saturated : count, 2) +
         Le(spec.zip64 ? saturated : bytes, 4) + Le(spec.zip64 ? saturated : offset, 4) +
         Le(spec.comment.size(), 2) + spec.comment;
}

namespace pickle {

std::string Str(std::string_view text) { return "X" + Le(text.size(), 4).append(text); }

std::string Int(int64_t value) {
  if (value >= INT32_MIN && value <= INT32_MAX) return "J" + Le(static_cast<uint64_t>(value), 4);
  return "\x8a\x08" + Le(static_cast<uint64_t>(value), 8);
}

std::string Global(std::string_view module, std::string_view name) {
  return std::string("c").append(module).append("\n").append(name).append("\n");
}

std::string Tuple(std::initializer_list<std::string> items) {
  std::string opcodes = "(";
  for (const std::string& item : items) opcodes += item;
  return opcodes + "t";
}

std::string Dict(std::initializer_list<std::string> items) {
  std::string opcodes = "}(";
  for (const std::string& item : items) opcodes += item;
  return opcodes + "u";
}

std::string Reduce(const std::string& callable, const std::string& arguments) {
  return callable + arguments + "R";
}

std::string Storage(const TensorSpec& spec) {
  return Tuple({Str("storage"), Global("torch", spec.storage), Str(spec.key), Str("cpu"),
                Int(spec.elements), spec.legacy ? kNone : ""}) +
         "Q";
}

std::string Tensor(const TensorSpec& spec) {
  const auto sizes = [](const std::vector<int64_t>& values) {
    std::string opcodes = "(";
    for (const int64_t value : values) opcodes += Int(value);
    return opcodes + "t";
  };
  return Reduce(Global("torch._utils", "_rebuild_tensor_v2"),
                Tuple({Storage(spec), Int(spec.offset), sizes(spec.shape), sizes(spec.stride),
                       kFalse, Reduce(Global("collections", "OrderedDict"), ")")}));
}

std::string Whole(const std::string& opcodes) { return "\x80\x02" + opcodes + "."; }

}  // namespace pickle

std::string SixFloats() {
  const float values[6] = {0, 1, 2, 3, 4, 5};
  std::string bytes(sizeof(values), '\0');
  std::memcpy(bytes.data(), values, sizeof(values));
  return bytes;
}

std::string TorchZip(const std::string& data_pkl) {
  ZipSpec spec;
  spec.entries = {{.name = "archive/data.pkl", .data = data_pkl},
                  {.name = "archive/byteorder", .data = "little"},
                  {.name = "archive/data/0", .data = SixFloats()},
                  {.name = "archive/version", .data = "3\n"}};
  return Zip(spec);
}

std::string TorchLegacy(const std::string& objects) {
  using namespace pickle;
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  return magic + Whole("M\xe9\x03") +
         Whole(Dict({Str("protocol_version"), Int(1001), Str("little_endian"), kTrue})) + objects +
         Whole("](" + Str("0") + "e") + Le(6, 8) + SixFloats();
}

}  // namespace t3::test
