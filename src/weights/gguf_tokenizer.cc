// A sentencepiece ModelProto in protobuf's wire format, which has three kinds of fields here.
#include "weights/gguf_tokenizer.h"

#include <bit>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"

namespace t3 {
namespace {

// Field numbers of sentencepiece_model.proto.
constexpr uint32_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3;
constexpr uint32_t kPieceText = 1, kPieceScore = 2, kPieceType = 3;
constexpr uint32_t kModelType = 3, kByteFallback = 35;
constexpr uint32_t kCharacterMap = 2, kAddDummyPrefix = 3, kRemoveExtraWhitespaces = 4;
// Values of enumerations. GGUF's token types have the numbers of sentencepiece's.
constexpr uint64_t kUnigram = 1;
constexpr int64_t kBytePiece = 6;

class Message {
 public:
  void Number(uint32_t field, uint64_t value) {
    Varint(uint64_t{field} << 3);
    Varint(value);
  }
  void Float(uint32_t field, float value) {
    Varint(uint64_t{field} << 3 | 5);
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(bits >> shift & 255);
  }
  void Text(uint32_t field, std::string_view value) {
    Varint(uint64_t{field} << 3 | 2);
    Varint(value.size());
    bytes_ += value;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void Varint(uint64_t value) {
    for (; value >= 128; value >>= 7) bytes_ += static_cast<char>(value | 128);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

const GgufList* FindList(const GgufMetadata& metadata, const char* key) {
  const auto found = metadata.lists.find(std::string("tokenizer.ggml.") + key);
  return found == metadata.lists.end() ? nullptr : &found->second;
}

const GgufList& RequireList(const GgufMetadata& metadata, const char* key, uint64_t size) {
  const GgufList* list = FindList(metadata, key);
  T3_CHECK(list != nullptr && list->size() == size,
           "its tokenizer has {} tokens, but {} entries in tokenizer.ggml.{}", size,
           list == nullptr ? 0 : list->size(), key);
  return *list;
}

// sentencepiece's default of both flags is true.
bool Flag(const GgufMetadata& metadata, const char* key) {
  const auto found = metadata.texts.find(std::string("tokenizer.ggml.") + key);
  return found == metadata.texts.end() || found->second != "0";
}

// Adds the pieces; true where bytes are among them.
bool AddPieces(const GgufMetadata& metadata, const GgufList& tokens, Message* model) {
  const auto texts = tokens.Texts();
  const auto scores = RequireList(metadata, "scores", texts.size()).Floats();
  const auto types = RequireList(metadata, "token_type", texts.size()).Integers();
  bool has_bytes = false;
  for (size_t i = 0; i < texts.size(); ++i) {
    has_bytes |= types[i] == kBytePiece;
    Message piece;
    piece.Text(kPieceText, texts[i]);
    piece.Float(kPieceScore, scores[i]);
    piece.Number(kPieceType, static_cast<uint64_t>(types[i]));
    model->Text(kPieces, piece.bytes());
  }
  return has_bytes;
}

std::string MakeModel(const GgufMetadata& metadata, const GgufList& tokens) {
  Message model;
  const bool has_bytes = AddPieces(metadata, tokens, &model);
  Message trainer;
  trainer.Number(kModelType, kUnigram);
  trainer.Number(kByteFallback, has_bytes ? 1 : 0);
  model.Text(kTrainerSpec, trainer.bytes());
  Message normalizer;
  if (const GgufList* map = FindList(metadata, "precompiled_charsmap")) {
    normalizer.Text(kCharacterMap, map->RawBytes());
  }
  normalizer.Number(kAddDummyPrefix, Flag(metadata, "add_space_prefix") ? 1 : 0);
  normalizer.Number(kRemoveExtraWhitespaces, Flag(metadata, "remove_extra_whitespaces") ? 1 : 0);
  model.Text(kNormalizerSpec, normalizer.bytes());
  return model.bytes();
}

}  // namespace

void AddGgufTokenizer(const GgufMetadata& metadata, ParsedWeights* weights) {
  const auto kind = metadata.texts.find("tokenizer.ggml.model");
  const GgufList* tokens = FindList(metadata, "tokens");
  if (kind == metadata.texts.end() || kind->second != "t5" || tokens == nullptr) return;
  const std::string model = MakeModel(metadata, *tokens);
  if (FindList(metadata, "precompiled_charsmap") == nullptr) {
    weights->notes.emplace_back(
        "its tokenizer has no character map, so unusual characters of a prompt are not replaced; "
        "`tokenizer` FILE gives the original one");
  }
  auto& owned = weights->owned.emplace_back(std::make_unique<std::byte[]>(model.size()));
  std::memcpy(owned.get(), model.data(), model.size());
  const auto size = static_cast<int64_t>(model.size());
  weights->tensors.emplace("spiece_model", TensorView{DType::kU8, {size}, owned.get(), size});
}

}  // namespace t3
