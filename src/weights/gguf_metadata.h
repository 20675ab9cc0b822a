// The metadata of a GGUF file: keys with numbers, texts and lists.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "weights/byte_reader.h"
#include "weights/types.h"

namespace t3 {

// A list as it lies in the file: read when it is asked for, so that a long one costs nothing.
class GgufList {
 public:
  // Takes the list from `reader`, without its values. Throws Error on lists of lists, types that
  // GGUF does not define and lengths beyond the file; `key` is for messages.
  static GgufList Take(ByteReader& reader, const std::string& key);

  uint64_t size() const { return count_; }
  // The values. Each throws Error when the list holds something else.
  std::vector<int64_t> Integers() const;
  std::vector<float> Floats() const;
  std::vector<std::string_view> Texts() const;
  std::string_view RawBytes() const;  // of a list of 8-bit numbers

 private:
  std::string key_;
  uint32_t type_ = 0;
  uint64_t count_ = 0;
  Bytes data_;
};

struct GgufMetadata {
  Metadata texts;  // strings; numbers and booleans in decimal
  std::map<std::string, GgufList> lists;
};

// u64 length and that many bytes.
std::string_view TakeGgufString(ByteReader& reader);

// The next `count` entries. Throws Error as GgufList::Take does, and on keys that come twice.
GgufMetadata ReadGgufMetadata(ByteReader& reader, uint64_t count);

}  // namespace t3
