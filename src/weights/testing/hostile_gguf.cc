// GGUF files that must be refused.
#include "weights/testing/hostile_files.h"
#include "weights/testing/test_files.h"

namespace t3 {

namespace {

using namespace test::gguf;
using test::Le;

constexpr uint64_t kHuge = ~uint64_t{0};

std::string WithTensors(std::vector<Tensor> tensors) {
  return Whole({.tensors = std::move(tensors), .data = std::string(128, 'x')});
}

std::string WithTensor(const Tensor& tensor) { return WithTensors({tensor}); }

std::string WithPairs(std::vector<std::string> pairs) { return Whole({.pairs = std::move(pairs)}); }

std::string WithType(uint32_t type) { return WithTensor({.axes = {256}, .type = type}); }

std::string WithOriginalShape(std::initializer_list<int> sizes) {
  std::string values;
  for (const int size : sizes) values += Le(static_cast<uint64_t>(size), 4);
  return WithPairs({ListPair("comfy.gguf.orig_shape.w", kI32, sizes.size(), values)});
}

std::string WithTokenizer(std::vector<std::string> pairs) {
  pairs.push_back(Pair("tokenizer.ggml.model", kText, Text("t5")));
  return WithPairs(std::move(pairs));
}

const std::string kTokens = ListPair("tokenizer.ggml.tokens", kText, 2, Text("a") + Text("b"));

std::vector<HostileFile> TornGgufs() {
  const std::string good = Whole({});
  return {
      {"gguf_magic_only", "GGUF", "is truncated", {}},
      {"gguf_cut_in_header",
       good.substr(0, 20),
       "GGUF header (of at most 100 MB) is truncated",
       {}},
      {"gguf_cut_in_table", good.substr(0, 40), "is truncated", {}},
      {"gguf_cut_before_data", good.substr(0, good.size() - 24), "the file has only 0", {}},
      {"gguf_cut_in_data", good.substr(0, good.size() - 1), "it is truncated; fetch", {}},
      {"gguf_version_1", Whole({.version = 1}), "GGUF version 1, wanted 2 or 3", {}},
      {"gguf_version_4", Whole({.version = 4}), "GGUF version 4, wanted 2 or 3", {}},
      {"gguf_big_endian", Whole({.version = 0x03000000}), "a big-endian GGUF file", {}},
      {"gguf_tensors_2_64", Whole({.tensor_count = kHuge}), "claims 18446744073709551615 ten", {}},
      {"gguf_tensors_too_many", Whole({.tensor_count = 3}), "a tensor's name is ''", {}},
      {"gguf_pairs_2_64", Whole({.pair_count = kHuge}), "is truncated", {}},
      {"gguf_name_2_64", "GGUF" + Le(3, 4) + Le(1, 8) + Le(0, 8) + Le(kHuge, 8), "truncated", {}},
      {"gguf_key_2_63", WithPairs({Le(uint64_t{1} << 63, 8) + "key"}), "is truncated", {}},
  };
}

std::vector<HostileFile> WrongGgufMetadata() {
  std::string nested;
  for (int i = 0; i < 1000; ++i) nested += Le(kList, 4) + Le(1, 8);
  return {
      {"gguf_key_twice",
       WithPairs({Pair("k", kU32, Le(1, 4)), Pair("k", kText, Text("x"))}),
       "metadata 'k' comes twice",
       {}},
      {"gguf_key_not_utf8", WithPairs({Pair("\xff", kU32, Le(1, 4))}), R"(key is '\xff')", {}},
      {"gguf_value_type_13", WithPairs({Pair("k", 13, Le(1, 4))}), "has type 13, which GGUF", {}},
      {"gguf_list_type_13", WithPairs({ListPair("k", 13, 1, "x")}), "a list of type 13", {}},
      {"gguf_list_of_lists", WithPairs({ListPair("k", kList, 1, nested)}), "a list of lists", {}},
      {"gguf_list_2_64", WithPairs({ListPair("k", kU64, kHuge, "")}), "'k' claims 184467", {}},
      {"gguf_texts_2_60",
       WithPairs({ListPair("k", kText, uint64_t{1} << 60, "")}),
       "claims 1152921504606846976 values",
       {}},
      {"gguf_list_wraps",  // 2^61 values of 8 bytes are 0 bytes modulo 2^64
       WithPairs({ListPair("k", kU64, uint64_t{1} << 61, "")}),
       "claims 2305843009213693952 values",
       {}},
      {"gguf_text_in_list_2_64",
       WithPairs({ListPair("k", kText, 1, Le(kHuge, 8))}),
       "is truncated",
       {}},
      {"gguf_alignment_0",
       WithPairs({Pair("general.alignment", kU32, Le(0, 4))}),
       "general.alignment is '0', wanted a power of two",
       {}},
      {"gguf_alignment_24",
       WithPairs({Pair("general.alignment", kU32, Le(24, 4))}),
       "general.alignment is '24'",
       {}},
      {"gguf_alignment_2_63",
       WithPairs({Pair("general.alignment", kU64, Le(uint64_t{1} << 63, 8))}),
       "general.alignment is '-9223372036854775808'",
       {}},
      {"gguf_alignment_text",
       WithPairs({Pair("general.alignment", kText, Text("32 \x1b"))}),
       R"(general.alignment is '32 \x1b')",
       {}},
  };
}

std::vector<HostileFile> WrongGgufTensors() {
  return {
      {"gguf_name_empty", WithTensor({.name = ""}), "a tensor's name is ''", {}},
      {"gguf_name_not_utf8", WithTensor({.name = "\xff"}), R"(a tensor's name is '\xff')", {}},
      {"gguf_name_twice",
       WithTensors({{.name = "w"}, {.name = "w", .offset = 32}}),
       "tensor 'w' comes twice",
       {}},
      {"gguf_axes_17",
       WithTensor({.axes = std::vector<uint64_t>(17, 1)}),
       "has 17 axes, the limit is 16",
       {}},
      {"gguf_axis_2_64", WithTensor({.axes = {kHuge}}), "has an axis of 184467440", {}},
      {"gguf_axes_overflow",
       WithTensor({.axes = {uint64_t{1} << 32, uint64_t{1} << 32}}),
       "takes more than 2^63 bytes",
       {}},
      {"gguf_axes_overflow_behind_zero",
       WithTensor({.axes = {0, uint64_t{1} << 62, 4}}),
       "takes more than 2^63 bytes",
       {}},
      {"gguf_axes_larger_than_file", WithTensor({.axes = {1 << 20}}), "it is truncated", {}},
      {"gguf_blocks_larger_than_file",
       WithTensor({.axes = {uint64_t{1} << 60}, .type = 12}),
       "it is truncated",
       {}},
      {"gguf_row_of_half_a_block",
       WithTensor({.axes = {16, 2}, .type = 8}),
       "rows of 16 values do not fill Q8_0's blocks of 32",
       {}},
  };
}

std::vector<HostileFile> UnreadGgufTypes() {
  return {
      {"gguf_type_unknown", WithType(1000), "the ggml type 1000, which t3 does not know", {}},
      {"gguf_type_iq2_xxs", WithType(16), "stored as IQ2_XXS, which t3 does not read", {}},
      {"gguf_type_iq4_nl", WithType(20), "stored as IQ4_NL", {}},
      {"gguf_type_iq4_xs", WithType(23), "stored as IQ4_XS", {}},
      {"gguf_type_iq1_m", WithType(29), "stored as IQ1_M", {}},
      {"gguf_type_q8_k", WithType(15), "stored as Q8_K", {}},
      {"gguf_type_tq1_0", WithType(34), "stored as TQ1_0", {}},
      {"gguf_type_mxfp4", WithType(39), "stored as MXFP4", {}},
  };
}

std::vector<HostileFile> WrongGgufOffsets() {
  return {
      {"gguf_offset_odd", WithTensor({.offset = 1}), "begins at data byte 1, wanted a mult", {}},
      {"gguf_offset_beyond", WithTensor({.offset = 1024}), "the file has only 128", {}},
      {"gguf_offset_2_64",
       WithTensor({.offset = kHuge - 31}),
       "takes 24 bytes from data byte 18446744073709551584",
       {}},
      {"gguf_overlap",
       WithTensors({{.name = "a", .axes = {16}}, {.name = "b", .offset = 32}}),
       "tensors 'a' and 'b' overlap",
       {}},
      {"gguf_overlap_fully", WithTensors({{.name = "a"}, {.name = "b"}}), "overlap", {}},
  };
}

std::vector<HostileFile> WrongOriginalShapes() {
  return {
      {"gguf_shape_of_others", WithOriginalShape({2, 4}), "its original shape is [2, 4]", {}},
      {"gguf_shape_negative", WithOriginalShape({-2, -3}), "its original shape is [-2, -3]", {}},
      {"gguf_shape_of_17_axes",
       WithPairs({ListPair("comfy.gguf.orig_shape.w", kI32, 17, std::string(68, '\1'))}),
       "its original shape has 17 axes",
       {}},
      {"gguf_shape_of_texts",
       WithPairs({ListPair("comfy.gguf.orig_shape.w", kText, 1, Text("6"))}),
       "is not a list of integers",
       {}},
  };
}

std::vector<HostileFile> WrongTokenizers() {
  return {
      {"gguf_tokens_without_scores",
       WithTokenizer({kTokens}),
       "2 tokens, but 0 entries in tokenizer.ggml.scores",
       {}},
      {"gguf_tokens_and_one_score",
       WithTokenizer({kTokens, ListPair("tokenizer.ggml.scores", kF32, 1, Le(0, 4))}),
       "2 tokens, but 1 entries in tokenizer.ggml.scores",
       {}},
      {"gguf_tokens_are_numbers",
       WithTokenizer({ListPair("tokenizer.ggml.tokens", kU8, 1, "x")}),
       "is not a list of strings",
       {}},
      {"gguf_scores_are_integers",
       WithTokenizer({kTokens, ListPair("tokenizer.ggml.scores", kI32, 2, Le(0, 8))}),
       "is not a list of floating-point numbers",
       {}},
  };
}

}  // namespace

std::vector<HostileFile> HostileGgufs() {
  return Together({TornGgufs(), WrongGgufMetadata(), WrongGgufTensors(), UnreadGgufTypes(),
                   WrongGgufOffsets(), WrongOriginalShapes(), WrongTokenizers()});
}

}  // namespace t3
