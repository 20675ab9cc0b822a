// Safetensors files and shard indexes that must be refused.
#include "weights/testing/hostile_files.h"
#include "weights/testing/test_files.h"

namespace t3 {

using test::Le;
using test::Safetensors;

namespace {

// One tensor "w" with these dtype, shape and offsets as JSON text, over 24 bytes of data.
std::string One(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return Safetensors(
      R"({"w":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
      std::string(24, 'x'));
}

std::string Pair(const std::string& first, const std::string& second) {
  return Safetensors(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":)" + first +
                         R"(},"b":{"dtype":"U8","shape":[8],"data_offsets":)" + second + "}}",
                     std::string(24, 'x'));
}

const std::string kHuge = "9223372036854775807";
const std::string kGood = One(R"("F32")", "[2,3]", "[0,24]");

std::string Index(const std::string& map) { return R"({"weight_map":)" + map + "}"; }

std::vector<HostileFile> TornSafetensors() {
  return {
      {"only_length", Le(100, 8) + "{", "100 bytes are wanted at byte 8, 1 are left", {}},
      {"cut_in_header", kGood.substr(0, 30), "safetensors header is truncated", {}},
      {"cut_before_data", kGood.substr(0, kGood.size() - 24), "it is truncated", {}},
      {"cut_in_data", kGood.substr(0, kGood.size() - 1), "the file has only 23", {}},
      {"header_beyond_file", Le(1'000'000, 8) + "{}", "safetensors header is truncated", {}},
      {"header_over_limit", Le(100'000'001, 8) + "{}", "the limit is 100000000", {}},
      {"header_of_a_terabyte", Le((uint64_t{1} << 40) - 1, 8) + "{}", "the limit is", {}},
      {"header_cuts_json", Le(5, 8) + kGood.substr(8), "not valid JSON", {}},
  };
}

std::vector<HostileFile> BrokenHeaders() {
  return {
      {"json_garbage", Safetensors("{\"w\":garbage}", ""), "not valid JSON at byte", {}},
      {"json_trailing", Safetensors("{}{}", ""), "not valid JSON", {}},
      {"json_bad_utf8", Safetensors("{\"\xff\":{}}", ""), "not valid JSON", {}},
      {"json_lone_surrogate", Safetensors(R"({"\ud800":{}})", ""), "not valid JSON", {}},
      {"json_unterminated_string", Safetensors("{\"w", ""), "not valid JSON", {}},
      {"json_nesting_bomb",
       Safetensors(R"({"w":)" + std::string(100'000, '['), ""),
       "nests deeper than 16",
       {}},
      {"json_object_bomb",
       Safetensors(
           [] {
             std::string bomb;
             for (int i = 0; i < 50'000; ++i) bomb += R"({"a":)";
             return bomb;
           }(),
           ""),
       "nests deeper than 16",
       {}},
      {"json_array_bomb",
       Safetensors(R"({"w":{"shape":[0)" +
                       [] {
                         std::string bomb;
                         for (int i = 0; i < 100'000; ++i) bomb += ",0";
                         return bomb;
                       }() +
                       "]}}",
                   ""),
       "more than 4096 elements",
       {}},
      {"duplicate_tensor",
       Safetensors(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                   R"("w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                   "xx"),
       "names 'w' twice",
       {}},
      {"duplicate_field",
       Safetensors(R"({"w":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,1]}})", "x"),
       "names 'dtype' twice",
       {}},
  };
}

std::vector<HostileFile> WrongTensorFields() {
  return {
      {"tensor_is_number", Safetensors(R"({"w":3})", ""), "tensor 'w' has no dtype", {}},
      {"tensor_is_empty", Safetensors(R"({"w":{}})", ""), "tensor 'w' has no dtype", {}},
      {"no_shape",
       Safetensors(R"({"w":{"dtype":"U8","data_offsets":[0,1]}})", "x"),
       "tensor 'w' has no shape",
       {}},
      {"no_offsets",
       Safetensors(R"({"w":{"dtype":"U8","shape":[1]}})", "x"),
       "tensor 'w' has no data_offsets",
       {}},
      {"dtype_unknown", One(R"("Q4_K")", "[2,3]", "[0,24]"), "dtype 'Q4_K' is not supported", {}},
      {"dtype_escape", One(R"("\u001b[2J")", "[2,3]", "[0,24]"), R"(dtype '\x1b[2J')", {}},
      {"dtype_is_number", One("4", "[2,3]", "[0,24]"), "dtype is not a string", {}},
      {"dtype_of_other_size", One(R"("F64")", "[2,3]", "[0,24]"), "takes 48 bytes", {}},
  };
}

std::vector<HostileFile> WrongTensorShapes() {
  return {
      {"shape_is_string", One(R"("F32")", R"("2,3")", "[0,24]"), "shape is not a list", {}},
      {"shape_of_strings", One(R"("F32")", R"(["2","3"])", "[0,24]"), "is a string", {}},
      {"shape_negative", One(R"("F32")", "[-2,-3]", "[0,24]"), "is -2, wanted a whole number", {}},
      {"shape_fraction", One(R"("F32")", "[2.0,3]", "[0,24]"), "is 2.0, wanted a whole number", {}},
      {"shape_too_large",
       One(R"("F32")", "[18446744073709551615]", "[0,24]"),
       "wanted a whole number",
       {}},
      {"shape_beyond_u64",
       One(R"("F32")", "[99999999999999999999]", "[0,24]"),
       "wanted a whole number",
       {}},
      {"shape_overflows",
       One(R"("F32")", "[4294967296,4294967296]", "[0,0]"),
       "more than 2^63 bytes",
       {}},
      {"shape_overflows_to_24",
       One(R"("F32")", "[4611686018427387904,6]", "[0,24]"),
       "more than 2^63 bytes",
       {}},
      {"shape_overflow_behind_zero",
       One(R"("F32")", "[0," + kHuge + "," + kHuge + "]", "[0,0]"),
       "more than 2^63 bytes",
       {}},
      {"shape_of_17_axes",
       One(R"("F32")", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]"),
       "at most 16 sizes",
       {}},
      {"shape_larger_than_data", One(R"("F32")", "[2,300]", "[0,24]"), "takes 2400 bytes", {}},
  };
}

std::vector<HostileFile> WrongTensorOffsets() {
  return {
      {"offsets_negative", One(R"("F32")", "[2,3]", "[-24,0]"), "data_offsets[0] is -24", {}},
      {"offsets_backwards", One(R"("F32")", "[2,3]", "[24,0]"), "run backwards", {}},
      {"offsets_beyond_file", One(R"("F32")", "[2,3]", "[8,32]"), "the file has only 24", {}},
      {"offsets_huge", One(R"("F32")", "[2,3]", "[0," + kHuge + "]"), "it is truncated", {}},
      {"offsets_wrap",
       One(R"("F32")", "[2,3]", "[18446744073709551592,18446744073709551615]"),
       "wanted a whole number",
       {}},
      {"offsets_of_three", One(R"("F32")", "[2,3]", "[0,24,24]"), "not [begin, end]", {}},
      {"offsets_are_object", One(R"("F32")", "[2,3]", R"({"0":0})"), "not [begin, end]", {}},
      {"hole_before_the_first", Pair("[8,16]", "[16,24]"), "8 bytes before tensor 'a'", {}},
      {"hole_between_tensors", Pair("[0,8]", "[16,24]"), "8 bytes before tensor 'b'", {}},
      {"bytes_after_the_last", Pair("[0,8]", "[8,16]"), "8 bytes after the last tensor", {}},
      {"overlap_partly", Pair("[0,8]", "[4,12]"), "'a' and 'b' overlap", {}},
      {"overlap_fully", Pair("[8,16]", "[8,16]"), "'a' and 'b' overlap", {}},
  };
}

std::vector<HostileFile> WrongMetadata() {
  return {
      {"metadata_is_list",
       Safetensors(R"({"__metadata__":[]})", ""),
       "not an object of strings",
       {}},
      {"metadata_of_numbers",
       Safetensors(R"({"__metadata__":{"a":1}})", ""),
       "entry 'a' is not a string",
       {}},
      {"metadata_nested",
       Safetensors(R"({"__metadata__":{"a":{"b":"c"}}})", ""),
       "entry 'a' is not a string",
       {}},
  };
}

}  // namespace

std::vector<HostileFile> HostileSafetensors() {
  return Together({TornSafetensors(), BrokenHeaders(), WrongTensorFields(), WrongTensorShapes(),
                   WrongTensorOffsets(), WrongMetadata()});
}

std::vector<HostileFile> HostileIndexes() {
  const std::string good = kGood;
  return {
      {"index_broken", "{\"weight_map\":", "not valid JSON", {}},
      {"index_other_json", R"({"dim": 1536})", "it has no object weight_map", {}},
      {"index_map_is_list", Index("[]"), "it has no object weight_map", {}},
      {"index_map_empty", Index("{}"), "weight_map is empty", {}},
      {"index_shard_is_number", Index(R"({"w":1})"), "tensor 'w' is not a string", {}},
      {"index_duplicate_tensor", Index(R"({"w":"a","w":"b"})"), "names 'w' twice", {}},
      {"index_deep", "{\"weight_map\":" + std::string(10'000, '['), "nests deeper", {}},
      {"index_absolute_path", Index(R"({"w":"/etc/passwd"})"), "not a plain file name", {}},
      {"index_parent_path", Index(R"({"w":"../secret.safetensors"})"), "not a plain file name", {}},
      {"index_parent", Index(R"({"w":".."})"), "not a plain file name", {}},
      {"index_backslash", Index(R"({"w":"..\\x"})"), "not a plain file name", {}},
      {"index_nul", Index(R"({"w":"a\u0000b"})"), "not a plain file name", {}},
      {"index_empty_name", Index(R"({"w":""})"), "not a plain file name", {}},
      {"index_names_itself", Index(R"({"w":"index_names_itself"})"), "wanted a shard", {}},
      {"index_names_index",
       Index(R"({"w":"next"})"),
       "wanted a shard",
       {{"next", Index(R"({"w":"index_names_index"})")}}},
      {"index_missing_shard",
       Index(R"({"w":"model-00002.safetensors"})"),
       "its shard 'model-00002.safetensors': cannot open",
       {}},
      {"index_truncated_shard",
       Index(R"({"w":"shard"})"),
       "its shard 'shard': tensor 'w' ends at",
       {{"shard", good.substr(0, good.size() - 4)}}},
      {"index_tensor_elsewhere",
       Index(R"({"w":"shard","v":"shard"})"),
       "tensor 'v' is not in shard 'shard'",
       {{"shard", good}}},
      {"index_of_indexes",
       Index(R"({"w":"torch"})"),
       "wanted a shard",
       {{"torch", Index(R"({"w":"torch"})")}}},
  };
}

}  // namespace t3
