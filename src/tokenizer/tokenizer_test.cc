// Ids of the reference cases; models that are broken or not UMT5's.
#include "tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "t3video/error.h"
#include "tokenizer/clean.h"
#include "weights/weight_file.h"

namespace t3 {
namespace {

using ::testing::ElementsAre;

const std::string kReference = T3_SOURCE_DIR "/tests/data/reference/";
const std::string kModel = kReference + "mini2.1/google/umt5-xxl/spiece.model";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::vector<int32_t> ReadIds(const WeightFile& file, const std::string& name) {
  const TensorView& view = file.tensors().at(name);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < view.elements(); ++i) {
    int64_t value = 0;
    std::memcpy(&value, view.data + i * DTypeSize(view.dtype),
                static_cast<size_t>(DTypeSize(view.dtype)));
    ids.push_back(static_cast<int32_t>(value));
  }
  return ids;
}

void ExpectReferenceIds(const std::string& model) {
  const auto cases = nlohmann::json::parse(ReadFile(kReference + "cases.json"));
  std::vector<std::string> texts = cases.at("prompts");
  texts.push_back(cases.at("negative"));
  const auto expected = WeightFile::Open(kReference + model + ".expected.safetensors");
  const Tokenizer tokenizer(kReference + model + "/google/umt5-xxl/spiece.model");
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer.Encode(CleanText(texts[i])),
              ReadIds(*expected, "text." + std::to_string(i) + ".ids"))
        << model << " text " << i;
  }
}

TEST(Tokenizer, DamagedCharacterMapsAreRefused) {
  std::string model = ReadFile(kModel);
  for (const auto& [place, value] : {std::pair(14280, 0x7F), std::pair(24675, 0xFF)}) {
    model[static_cast<size_t>(place)] = static_cast<char>(value);
  }
  try {
    Tokenizer tokenizer(AsBytes(model), "wrong.model");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("wrong.model: its character map leads outside"));
  }
}

// Whatever byte is wrong: an error or other ids, never a read outside of the map.
TEST(Tokenizer, NoChangedByteEndsTheProgram) {
  const std::string good = ReadFile(kModel);
  const std::string text = CleanText("A cat — \u4e2d\u6587, caf\u00e9 \uff21\u00bd e\u0301.");
  for (size_t place = 0; place < good.size(); place += 1009) {
    std::string model = good;
    model[place] = static_cast<char>(model[place] ^ 0xFF);
    try {
      Tokenizer(AsBytes(model), "m").Encode(text);
    } catch (const Error&) {
    }
  }
}

TEST(Tokenizer, ReferenceIds21) { ExpectReferenceIds("mini2.1"); }
TEST(Tokenizer, ReferenceIds22) { ExpectReferenceIds("mini2.2"); }

TEST(Tokenizer, EmptyTextIsTheClosingId) {
  EXPECT_THAT(Tokenizer(kModel).Encode(""), ElementsAre(Tokenizer::kEndId));
}

TEST(Tokenizer, LongTextIsCutBeforeTheClosingId) {
  const Tokenizer tokenizer(kModel);
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "snow ";
  const std::vector<int32_t> ids = tokenizer.Encode(text);
  ASSERT_EQ(ids.size(), 512u);
  EXPECT_EQ(ids.back(), Tokenizer::kEndId);
  EXPECT_NE(ids[510], Tokenizer::kEndId);
  EXPECT_THAT(tokenizer.Encode(text, 1), ElementsAre(Tokenizer::kEndId));
  EXPECT_THROW(tokenizer.Encode(text, 0), Error);
}

TEST(Tokenizer, BytesAndFileGiveTheSame) {
  const std::string bytes = ReadFile(kModel);
  const Tokenizer from_bytes(AsBytes(bytes), "spiece_model");
  const Tokenizer from_file(kModel);
  EXPECT_EQ(from_bytes.vocab_size(), from_file.vocab_size());
  EXPECT_EQ(from_bytes.Encode("a small town"), from_file.Encode("a small town"));
  for (int32_t id : from_file.Encode("日本 \xF0\x9F\x98\x80")) {
    EXPECT_LT(id, from_file.vocab_size());
  }
}

// The oracle's ids are those of the original model, of which the file has the lists.
TEST(Tokenizer, OfAGgufFileIsTheOriginal) {
  const std::string oracle = T3_SOURCE_DIR "/tests/data/oracle/gguf";
  const auto file = WeightFile::Open(oracle + ".gguf");
  const TensorView& model = file->tensors().at("spiece_model");
  const Tokenizer tokenizer(std::span(model.data, static_cast<size_t>(model.bytes)),
                            "spiece_model");
  const auto cases = nlohmann::json::parse(ReadFile(oracle + ".tokenizer.json"));
  ASSERT_EQ(cases.at("texts").size(), 6u);
  for (const auto& item : cases.at("texts")) {
    auto ids = item.at("ids").get<std::vector<int32_t>>();
    ids.push_back(Tokenizer::kEndId);
    EXPECT_EQ(tokenizer.Encode(item.at("text").get<std::string>()), ids) << item;
  }
}

TEST(Tokenizer, BrokenModelsAreErrors) {
  const std::string bytes = ReadFile(kModel);
  EXPECT_THROW(Tokenizer("no/such/spiece.model"), Error);
  for (const std::string& broken : {std::string(), std::string("hello"),
                                    bytes.substr(0, bytes.size() / 2), std::string(1000, '\xFF')}) {
    EXPECT_THROW(Tokenizer(AsBytes(broken), "broken"), Error) << broken.size() << " bytes";
  }
}

// A whole model of another family: its trainer_spec (field 2) names another closing piece (47).
TEST(Tokenizer, OtherModelsAreErrors) {
  std::string bytes = ReadFile(kModel);
  const char other_piece[] = {'\x12', '\x04', '\xFA', '\x02', '\x01', 'x'};
  bytes.append(other_piece, sizeof(other_piece));
  EXPECT_THROW(Tokenizer(AsBytes(bytes), "other"), Error);
}

}  // namespace
}  // namespace t3
