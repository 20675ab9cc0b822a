// The protobuf wire format as far as the character maps, and the double-array trie inside them.
#include "tokenizer/sentencepiece_model.h"

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace t3 {
namespace {

using Data = std::span<const std::byte>;

// Field numbers of sentencepiece_model.proto.
constexpr uint64_t kNormalizerSpec = 3;
constexpr uint64_t kDenormalizerSpec = 5;
constexpr uint64_t kCharacterMap = 2;  // precompiled_charsmap of NormalizerSpec

// Calls `use(number, bytes)` for every field that holds bytes (a message or a string).
template <typename Use>
class MessageWalker {
 public:
  MessageWalker(Data message, const std::string& name, const Use& use)
      : rest_(message), name_(name), use_(use) {}

  void Run() {
    while (!rest_.empty()) {
      const uint64_t tag = Varint();
      switch (tag & 7) {
        case 0:
          Varint();
          break;
        case 1:
          Take(8);
          break;
        case 2:
          use_(tag >> 3, Take(Varint()));
          break;
        case 5:
          Take(4);
          break;
        default:  // groups, which nothing writes any more
          Fail("{} is not a sentencepiece model: it has a field of wire type {}", name_, tag & 7);
      }
    }
  }

 private:
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const auto byte = std::to_integer<uint64_t>(Take(1)[0]);
      if (shift < 64) value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    Fail("{} is not a sentencepiece model: it has a number of more than 10 bytes", name_);
  }

  Data Take(uint64_t size) {
    T3_CHECK(size <= rest_.size(), "{} is not a whole sentencepiece model: it is cut short", name_);
    const Data taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  Data rest_;
  const std::string& name_;
  const Use& use_;
};

template <typename Use>
void Walk(Data message, const std::string& name, const Use& use) {
  MessageWalker(message, name, use).Run();
}

uint32_t Word(Data data, size_t index) {
  uint32_t word = 0;
  for (size_t i = 4; i-- > 0;) word = word << 8 | std::to_integer<uint32_t>(data[4 * index + i]);
  return word;
}

// A unit of Darts-clone's double array.
struct Unit {
  uint32_t bits;
  bool is_value() const { return (bits >> 31) != 0; }
  uint32_t value() const { return bits & 0x7FFFFFFF; }
  bool has_leaf() const { return ((bits >> 8) & 1) != 0; }
  uint32_t offset() const { return (bits >> 10) << ((bits & (1U << 9)) >> 6); }
};

// A lookup goes from unit i to i ^ offset ^ byte, for every byte, and takes the value at i ^ offset
// where unit i has a leaf: a place in `texts`, which begins a text that ends with 0.
void CheckTrie(Data trie, Data texts, const std::string& name) {
  const size_t count = trie.size() / 4;
  T3_CHECK(count > 0 && trie.size() % 4 == 0 && !texts.empty() && texts.back() == std::byte{0},
           "{}: its character map is damaged; fetch the file again", name);
  for (size_t i = 0; i < count; ++i) {
    const Unit unit{Word(trie, i)};
    if (unit.is_value()) continue;
    const size_t next = i ^ unit.offset();
    T3_CHECK((next | 0xFF) < count &&
                 (!unit.has_leaf() || Unit{Word(trie, next)}.value() < texts.size()),
             "{}: its character map leads outside itself at unit {}: the file is damaged; fetch it "
             "again",
             name, i);
  }
}

// u32 size of the trie, trie, texts; or nothing, where characters stay as they are.
void CheckCharacterMap(Data map, const std::string& name) {
  if (map.empty()) return;
  T3_CHECK(map.size() > 4 && Word(map, 0) < map.size() - 4,
           "{}: its character map is cut short; fetch the file again", name);
  const size_t trie = Word(map, 0);
  CheckTrie(map.subspan(4, trie), map.subspan(4 + trie), name);
}

}  // namespace

void CheckSentencePieceModel(Data model, const std::string& name) {
  Walk(model, name, [&](uint64_t field, Data spec) {
    if (field != kNormalizerSpec && field != kDenormalizerSpec) return;
    Walk(spec, name, [&](uint64_t inner, Data bytes) {
      if (inner == kCharacterMap) CheckCharacterMap(bytes, name);
    });
  });
}

}  // namespace t3
