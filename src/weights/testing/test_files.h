// Builders of weight files, valid and broken, for tests and fuzz seeds. Bytes travel as
// std::string.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace t3::test {

// Little-endian, `bytes` of it.
std::string Le(uint64_t value, int bytes);

// The header's true length, the header, the data.
std::string Safetensors(std::string_view header, std::string_view data);

// Parts of GGUF files. Types are ggml's numbers.
namespace gguf {

enum Value : uint32_t { kU8 = 0, kU32 = 4, kI32 = 5, kF32 = 6, kText = 8, kList = 9, kU64 = 10 };

std::string Text(std::string_view text);  // its length and the text
std::string Pair(std::string_view key, uint32_t type, std::string_view value);
std::string ListPair(std::string_view key, uint32_t type, uint64_t count, std::string_view values);

struct Tensor {
  std::string name = "w";
  std::vector<uint64_t> axes{3, 2};  // the fastest one first
  uint32_t type = 0;                 // F32
  uint64_t offset = 0;
};

// The optional values are lies.
struct File {
  std::vector<Tensor> tensors{Tensor{}};
  std::vector<std::string> pairs{};
  std::string data = std::string(24, 'x');
  uint64_t alignment = 32;
  uint32_t version = 3;
  std::optional<uint64_t> tensor_count{};
  std::optional<uint64_t> pair_count{};
};

std::string Whole(const File& file);

}  // namespace gguf

// An entry of a zip. The optional values are lies: what the headers say instead of the truth.
struct ZipEntrySpec {
  std::string name{};
  std::string data{};
  uint16_t method = 0;
  uint16_t flags = 0;
  std::optional<uint32_t> size{};
  std::optional<uint32_t> stored_size{};
  std::optional<uint32_t> offset{};
  std::optional<uint16_t> disk{};
  std::optional<std::string> local_name{};
  std::string central_extra{};
};

struct ZipSpec {
  std::vector<ZipEntrySpec> entries{};
  std::string comment{};
  bool zip64 = false;
  std::optional<uint64_t> count{};
  std::optional<uint64_t> directory_bytes{};
  std::optional<uint64_t> directory_offset{};
  std::optional<uint64_t> zip64_end_offset{};
  std::optional<uint16_t> disk{};
};

std::string Zip(const ZipSpec& spec);

// Pickle opcodes, protocol 2. Each function gives the opcodes that push one object.
namespace pickle {

std::string Str(std::string_view text);
std::string Int(int64_t value);
std::string Global(std::string_view module, std::string_view name);
std::string Tuple(std::initializer_list<std::string> items);
// Key, value, key, value, ...
std::string Dict(std::initializer_list<std::string> items);
std::string Reduce(const std::string& callable, const std::string& arguments);
inline const std::string kTrue = "\x88";
inline const std::string kFalse = "\x89";
inline const std::string kNone = "N";

struct TensorSpec {
  std::string storage = "FloatStorage";
  std::string key = "0";
  int64_t elements = 6;
  int64_t offset = 0;
  std::vector<int64_t> shape{2, 3};
  std::vector<int64_t> stride{3, 1};
  bool legacy = false;  // the persistent id has a sixth part, None
};

std::string Storage(const TensorSpec& spec);
std::string Tensor(const TensorSpec& spec = {});
// The whole pickle of the object that `opcodes` push.
std::string Whole(const std::string& opcodes);

}  // namespace pickle

// torch.save's zip around a data.pkl, with storage "0" of six floats 0..5 (and byteorder little).
std::string TorchZip(const std::string& data_pkl);
// torch.save's older form around the object pickle, with storage "0" of the same six floats.
std::string TorchLegacy(const std::string& objects);
// The six floats.
std::string SixFloats();

}  // namespace t3::test
