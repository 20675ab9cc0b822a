// Seeds for the fuzz targets.
#include "weights/testing/hostile_files.h"
#include "weights/testing/test_files.h"
#include "weights/zip.h"

namespace t3 {
namespace {

void AddAll(std::vector<SeedFile>& seeds, const std::string& target,
            const std::vector<HostileFile>& files) {
  constexpr size_t kLimit = 8192;  // large seeds slow the fuzzer and teach it nothing
  for (const HostileFile& file : files) {
    if (file.bytes.size() < kLimit) seeds.push_back({target, file.name, file.bytes});
  }
}

// The pickle inside a torch zip; legacy files are fuzzed whole.
void AddPickle(std::vector<SeedFile>& seeds, const SeedFile& zip) {
  std::string bytes = zip.bytes;
  if (bytes.starts_with("PK")) {
    bytes = AsText(ParseZip(std::as_bytes(std::span(zip.bytes))).at("archive/data.pkl"));
  }
  seeds.push_back({"pickle", zip.name, std::move(bytes)});
}

// With a list and a text of each kind, a tokenizer and a quantised tensor.
std::string GoodGguf() {
  using namespace test::gguf;
  using test::Le;
  return Whole(
      {.tensors = {{}, {.name = "q", .axes = {32, 1}, .type = 8, .offset = 32}},
       .pairs = {Pair("general.alignment", kU32, Le(32, 4)),
                 Pair("tokenizer.ggml.model", kText, Text("t5")),
                 ListPair("tokenizer.ggml.tokens", kText, 2, Text("<pad>") + Text("a")),
                 ListPair("tokenizer.ggml.scores", kF32, 2, Le(0, 8)),
                 ListPair("tokenizer.ggml.token_type", kI32, 2, Le(3, 4) + Le(1, 4)),
                 ListPair("tokenizer.ggml.precompiled_charsmap", kU8, 3, "abc"),
                 ListPair("comfy.gguf.orig_shape.w", kI32, 3, Le(1, 4) + Le(2, 4) + Le(3, 4))},
       .data = std::string(32 + 34, 'x')});
}

}  // namespace

std::vector<SeedFile> SeedFiles() {
  using namespace test::pickle;
  const std::string state =
      Whole(Dict({Str("epoch"), Int(3), Str("state_dict"),
                  Dict({Str("w"), Tensor(), Str("t"), Tensor({.stride = {1, 2}})})}));
  std::vector<SeedFile> pickles{
      {"zip", "good", test::TorchZip(state)},
      {"zip", "good_legacy", test::TorchLegacy(Whole(Dict({Str("w"), Tensor({.legacy = true})})))}};
  const std::string module = Global("__torch__", "Net") + ")\x81" +
                             Dict({Str("w"), Tensor(), Str("training"), kTrue}) + "b";
  pickles.push_back({"zip", "torch_script", test::TorchZip(Whole(module))});
  AddAll(pickles, "zip", HostilePickles());
  std::vector<SeedFile> seeds{
      {"safetensors", "good",
       test::Safetensors(R"({"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2,3],)"
                         R"("data_offsets":[0,24]}})",
                         test::SixFloats())},
      {"json_index", "good", R"({"metadata":{"total_size":24},"weight_map":{"w":"shard"}})"},
      {"zip", "zip64",
       test::Zip({.entries = {{.name = "archive/data.pkl", .data = state}}, .zip64 = true})}};
  for (const SeedFile& pickle : pickles) {
    AddPickle(seeds, pickle);
    seeds.push_back(pickle);
  }
  AddAll(seeds, "safetensors", HostileSafetensors());
  AddAll(seeds, "json_index", HostileIndexes());
  AddAll(seeds, "zip", HostileZips());
  seeds.push_back({"gguf", "good", GoodGguf()});
  AddAll(seeds, "gguf", HostileGgufs());
  return seeds;
}

}  // namespace t3
