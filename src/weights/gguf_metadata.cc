// Reading of keys and values.
#include "weights/gguf_metadata.h"

#include <bit>

#include "base/text.h"

namespace t3 {
namespace {

enum ValueType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
  kTypes
};

// Bytes of a value; 0 for those without a fixed size.
uint64_t SizeOfValue(uint32_t type) {
  constexpr uint64_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kSizes[type];
}

bool IsFraction(uint32_t type) { return type == kF32 || type == kF64; }

double ReadFraction(ByteReader& reader, uint32_t type) {
  if (type == kF32) return static_cast<double>(std::bit_cast<float>(reader.Read<uint32_t>()));
  return std::bit_cast<double>(reader.Read<uint64_t>());
}

// A u64 above 2^63 becomes a negative number, which no field of ours means.
int64_t ReadInteger(ByteReader& reader, uint32_t type) {
  switch (type) {
    case kI8:
      return static_cast<int8_t>(reader.Read<uint8_t>());
    case kU16:
      return reader.Read<uint16_t>();
    case kI16:
      return static_cast<int16_t>(reader.Read<uint16_t>());
    case kU32:
      return reader.Read<uint32_t>();
    case kI32:
      return static_cast<int32_t>(reader.Read<uint32_t>());
    case kU64:
    case kI64:
      return static_cast<int64_t>(reader.Read<uint64_t>());
    default:
      return reader.Read<uint8_t>();
  }
}

std::string ReadText(ByteReader& reader, uint32_t type) {
  if (type == kString) return ReplaceInvalidUtf8(TakeGgufString(reader));
  if (IsFraction(type)) return fmt::format("{}", ReadFraction(reader, type));
  return fmt::format("{}", ReadInteger(reader, type));
}

}  // namespace

std::string_view TakeGgufString(ByteReader& reader) {
  return AsText(reader.Take(reader.Read<uint64_t>()));
}

GgufList GgufList::Take(ByteReader& reader, const std::string& key) {
  GgufList list;
  list.key_ = key;
  list.type_ = reader.Read<uint32_t>();
  list.count_ = reader.Read<uint64_t>();
  T3_CHECK(list.type_ != kArray, "metadata {} is a list of lists, which t3 does not read",
           Quote(key));
  T3_CHECK(list.type_ < kTypes, "metadata {} is a list of type {}, which GGUF does not define",
           Quote(key), list.type_);
  const uint64_t size = SizeOfValue(list.type_);
  const uint64_t least = size == 0 ? sizeof(uint64_t) : size;  // of a string: its length
  T3_CHECK(list.count_ <= reader.remaining() / least,
           "metadata {} claims {} values, but only {} bytes are left: the file is truncated or "
           "damaged; fetch it again",
           Quote(key), list.count_, reader.remaining());
  if (size > 0) {
    list.data_ = reader.Take(list.count_ * size);
    return list;
  }
  ByteReader ahead = reader;
  for (uint64_t i = 0; i < list.count_; ++i) TakeGgufString(ahead);
  list.data_ = reader.Take(ahead.position() - reader.position());
  return list;
}

std::vector<int64_t> GgufList::Integers() const {
  T3_CHECK(SizeOfValue(type_) > 0 && !IsFraction(type_), "metadata {} is not a list of integers",
           Quote(key_));
  ByteReader reader(data_, key_);
  std::vector<int64_t> values(count_);
  for (int64_t& value : values) value = ReadInteger(reader, type_);
  return values;
}

std::vector<float> GgufList::Floats() const {
  T3_CHECK(IsFraction(type_), "metadata {} is not a list of floating-point numbers", Quote(key_));
  ByteReader reader(data_, key_);
  std::vector<float> values(count_);
  for (float& value : values) value = static_cast<float>(ReadFraction(reader, type_));
  return values;
}

std::vector<std::string_view> GgufList::Texts() const {
  T3_CHECK(type_ == kString, "metadata {} is not a list of strings", Quote(key_));
  ByteReader reader(data_, key_);
  std::vector<std::string_view> values(count_);
  for (std::string_view& value : values) value = TakeGgufString(reader);
  return values;
}

std::string_view GgufList::RawBytes() const {
  T3_CHECK(type_ == kU8 || type_ == kI8, "metadata {} is not a list of bytes", Quote(key_));
  return AsText(data_);
}

GgufMetadata ReadGgufMetadata(ByteReader& reader, uint64_t count) {
  GgufMetadata metadata;
  for (uint64_t i = 0; i < count; ++i) {
    const std::string key(TakeGgufString(reader));
    T3_CHECK(IsUtf8(key), "a metadata key is {}, wanted UTF-8", Quote(key));
    const auto type = reader.Read<uint32_t>();
    T3_CHECK(type < kTypes, "metadata {} has type {}, which GGUF does not define", Quote(key),
             type);
    const bool known = metadata.texts.contains(key) || metadata.lists.contains(key);
    T3_CHECK(!known, "metadata {} comes twice", Quote(key));
    if (type == kArray) {
      metadata.lists.emplace(key, GgufList::Take(reader, key));
    } else {
      metadata.texts.emplace(key, ReadText(reader, type));
    }
  }
  return metadata;
}

}  // namespace t3
