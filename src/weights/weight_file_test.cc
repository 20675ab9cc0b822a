// Opening good files of every format.
#include "weights/weight_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "t3video/error.h"
#include "weights/safetensors_writer.h"
#include "weights/shard_index.h"
#include "weights/testing/test_files.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

using namespace test::pickle;
using Floats = std::vector<float>;
using Shape = std::vector<int64_t>;

const std::string kReference = T3_SOURCE_DIR "/tests/data/reference/";

Floats Values(const WeightFile& file, const std::string& name) {
  const TensorView& view = file.tensors().at(name);
  EXPECT_EQ(view.dtype, DType::kF32);
  Floats values(static_cast<size_t>(view.elements()));
  EXPECT_EQ(static_cast<size_t>(view.bytes), values.size() * sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), view.data, static_cast<size_t>(view.bytes));
  return values;
}

std::shared_ptr<const WeightFile> OpenBytes(const test::Folder& folder, const std::string& bytes) {
  return WeightFile::Open(folder.Add("file", bytes));
}

TEST(Safetensors, ReadsTensorsAndMetadata) {
  const test::Folder folder;
  // "b" begins at an odd byte, and "e" is empty.
  const auto file = OpenBytes(
      folder, test::Safetensors(R"({"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[],)"
                                R"("data_offsets":[0,1]},"b":{"dtype":"F32","shape":[6,1],)"
                                R"("data_offsets":[1,25]},"e":{"dtype":"BF16","shape":[0,7],)"
                                R"("data_offsets":[1,1]}}  )",
                                "A" + test::SixFloats()));
  EXPECT_EQ(file->format(), "safetensors");
  EXPECT_EQ(file->metadata(), (Metadata{{"k", "v"}}));
  ASSERT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(file->tensors().at("a").elements(), 1);
  EXPECT_EQ(static_cast<char>(*file->tensors().at("a").data), 'A');
  EXPECT_EQ(file->tensors().at("b").shape, (Shape{6, 1}));
  EXPECT_EQ(Values(*file, "b"), (Floats{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(file->tensors().at("e").bytes, 0);
}

TEST(Safetensors, NoTensorsIsAValidFile) {
  const test::Folder folder;
  EXPECT_TRUE(OpenBytes(folder, test::Safetensors("{}", ""))->tensors().empty());
}

TEST(ShardIndex, TakesTensorsFromTheirShards) {
  const test::Folder folder;
  const auto shard = [](const std::string& name, const std::string& value) {
    return test::Safetensors(R"({"__metadata__":{"of":")" + name + R"("},")" + name +
                                 R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                 R"("extra":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                             value + "x");
  };
  folder.Add("s1", shard("a", "1"));
  folder.Add("s2", shard("b", "2"));
  const auto file = OpenBytes(folder, R"( {"metadata":{"total_size":2},"weight_map":)"
                                      R"({"b":"s2","a":"s1"}})");
  EXPECT_EQ(file->format(), "safetensors (sharded, 2 files)");
  ASSERT_EQ(file->tensors().size(), 2u) << "what the index does not name is not part of the model";
  EXPECT_EQ(static_cast<char>(*file->tensors().at("a").data), '1');
  EXPECT_EQ(static_cast<char>(*file->tensors().at("b").data), '2');
  EXPECT_EQ(file->metadata(), (Metadata{{"of", "a"}}));
}

TEST(Shards, AreAllReadWithoutAnIndex) {
  const test::Folder folder;
  const auto shard = [](const std::string& name) {
    return test::Safetensors(R"({")" + name +
                                 R"(":{"dtype":"U8","shape":[1],)"
                                 R"("data_offsets":[0,1]}})",
                             name);
  };
  const std::string first = folder.Add("m-00001-of-00002.safetensors", shard("a"));
  try {
    WeightFile::Open(first);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("1 of its 2 shards is missing: "
                                                 "'m-00002-of-00002.safetensors'"));
  }
  const std::string second = folder.Add("m-00002-of-00002.safetensors", shard("b"));
  for (const std::string& path : {first, second}) {
    const auto file = WeightFile::Open(path);
    EXPECT_EQ(file->format(), "safetensors (sharded, 2 files)");
    EXPECT_EQ(file->tensors().size(), 2u);
  }
  folder.Add("m-00002-of-00002.safetensors", shard("a"));
  try {
    WeightFile::Open(first);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("tensor 'a' is in shard"));
  }
}

TEST(Shards, NamesOfOtherFormsAreSingleFiles) {
  EXPECT_TRUE(ShardNames("model.safetensors").empty());
  EXPECT_TRUE(ShardNames("model-00003-of-00002.safetensors").empty());
  EXPECT_TRUE(ShardNames("model-1-of-99999.safetensors").empty());
  EXPECT_EQ(ShardNames("a-2-of-2.bin"), (std::vector<std::string>{"a-1-of-2.bin", "a-2-of-2.bin"}));
}

TEST(TorchZip, ReadsContiguousStridedAndEmptyTensors) {
  const test::Folder folder;
  const auto file = OpenBytes(
      folder,
      test::TorchZip(Whole(
          Dict({Str("w"), Tensor(), Str("row"), Tensor({.offset = 3, .shape = {3}, .stride = {1}}),
                Str("transposed"), Tensor({.shape = {3, 2}, .stride = {1, 3}}), Str("scalar"),
                Tensor({.offset = 5, .shape = {}, .stride = {}}), Str("empty"),
                Tensor({.shape = {0, 4}, .stride = {4, 1}}), Str("expanded"),
                Tensor({.offset = 2, .shape = {2, 2}, .stride = {0, 1}}), Str("step"),
                Tensor({.shape = {3, 1}, .stride = {2, 99}})}))));
  EXPECT_EQ(file->format(), "torch zip");
  EXPECT_TRUE(file->metadata().empty());
  EXPECT_EQ(Values(*file, "w"), (Floats{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(Values(*file, "row"), (Floats{3, 4, 5}));
  EXPECT_EQ(Values(*file, "transposed"), (Floats{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(Values(*file, "scalar"), (Floats{5}));
  EXPECT_EQ(Values(*file, "empty"), (Floats{}));
  EXPECT_EQ(Values(*file, "expanded"), (Floats{2, 3, 2, 3}));
  EXPECT_EQ(Values(*file, "step"), (Floats{0, 2, 4}));
}

TEST(TorchZip, GoesDownToTheStateDict) {
  const test::Folder folder;
  const std::string state = Dict({Str("w"), Tensor()});
  const std::string parameter =
      Reduce(Global("torch._utils", "_rebuild_parameter"), Tuple({Tensor(), kTrue, ")"}));
  for (const std::string& root :
       {state, state + "}b", Dict({Str("model_state"), state}), Dict({Str("w"), parameter}),
        Dict({Str("epoch"), Int(3), Str("state_dict"), state, Str("ema"), Tensor()}),
        Dict({Str("model"), Dict({Str("module"), state}), Str("optimizer"), "]" + Int(1) + "a"})}) {
    const auto file = OpenBytes(folder, test::TorchZip(Whole(root)));
    ASSERT_EQ(file->tensors().size(), 1u);
    EXPECT_EQ(Values(*file, "w"), (Floats{0, 1, 2, 3, 4, 5}));
  }
}

// The opcodes of a TorchScript module with these attributes.
std::string Module(const std::string& name, const std::string& attributes) {
  return Global("__torch__.net", name) + ")\x81" + attributes + "b";
}

TEST(TorchZip, ReadsTheModulesOfTorchScript) {
  const test::Folder folder;
  const std::string list =
      Reduce(Global("torch.jit._pickle", "build_intlist"), Tuple({"]" + Int(1) + "a"}));
  const std::string inner = Module("Inner", Dict({Str("w"), Tensor(), Str("training"), kTrue}));
  const std::string root = Module(
      "Net", Dict({Str("b"), Tensor({.offset = 5, .shape = {}, .stride = {}}), Str("sizes"), list,
                   Str("layers"), Module("List", Dict({Str("0"), inner, Str("1"), inner}))}));
  test::ZipSpec spec;
  spec.entries = {{.name = "x/data.pkl", .data = Whole(root)},
                  {.name = "x/data/0", .data = test::SixFloats()},
                  {.name = "x/code/net.py", .data = "deflated", .method = 8, .size = 99}};
  const auto file = OpenBytes(folder, test::Zip(spec));
  ASSERT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(Values(*file, "b"), (Floats{5}));
  EXPECT_EQ(Values(*file, "layers.0.w"), (Floats{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(Values(*file, "layers.1.w"), (Floats{0, 1, 2, 3, 4, 5}));
}

TEST(TorchZip, RefusesOtherObjects) {
  const test::Folder folder;
  const auto refuses = [&](const std::string& root) {
    EXPECT_THROW(OpenBytes(folder, test::TorchZip(Whole(root))), Error) << root;
  };
  refuses(Global("collections", "OrderedDict") + ")\x81}b");
  refuses(Global("__torch__", "Net") + Tuple({Int(1)}) + "\x81}b");
  refuses(Global("__torch__evil", "Net") + ")\x81}b");
  refuses(Reduce(Global("__torch__", "Net"), ")"));
  refuses(Module("Empty", "}"));
  std::string deep = Dict({Str("w"), Tensor()});
  for (int i = 0; i < 40; ++i) deep = Dict({Str("m"), Module("Net", deep)});
  refuses(Module("Net", deep));
  refuses(
      Module("Net", Dict({Str(std::string(2000, 'n')), Module("Net", "}"), Str("w"), Tensor()})));
}

TEST(TorchZip, ReadsFloat8FromUntypedStorage) {
  const test::Folder folder;
  const std::string storage = Tuple({Str("storage"), Global("torch.storage", "UntypedStorage"),
                                     Str("0"), Str("cpu"), Int(24)}) +
                              "Q";
  const std::string tensor = Reduce(Global("torch._utils", "_rebuild_tensor_v3"),
                                    Tuple({storage, Int(4), Tuple({Int(20)}), Tuple({Int(1)}),
                                           kFalse, "}", Global("torch", "float8_e4m3fn")}));
  const auto file = OpenBytes(folder, test::TorchZip(Whole(Dict({Str("w"), tensor}))));
  const TensorView& view = file->tensors().at("w");
  EXPECT_EQ(view.dtype, DType::kF8E4M3);
  EXPECT_EQ(view.shape, (Shape{20}));
  EXPECT_EQ(std::memcmp(view.data, test::SixFloats().data() + 4, 20), 0);
}

TEST(TorchZip, ReadsZip64) {
  const test::Folder folder;
  test::ZipSpec spec;
  spec.zip64 = true;
  spec.comment = "PK\x05\x06 is no end record here";
  spec.entries = {{.name = "x/data.pkl", .data = Whole(Dict({Str("w"), Tensor()}))},
                  {.name = "x/data/0", .data = test::SixFloats()}};
  test::ZipEntrySpec& data = spec.entries[1];
  data.size = data.stored_size = 0xFFFFFFFF;
  data.central_extra = test::Le(1, 2) + test::Le(16, 2) + test::Le(24, 8) + test::Le(24, 8);
  EXPECT_EQ(Values(*OpenBytes(folder, test::Zip(spec)), "w"), (Floats{0, 1, 2, 3, 4, 5}));
}

TEST(TorchLegacy, ReadsTensors) {
  const test::Folder folder;
  const auto file = OpenBytes(
      folder, test::TorchLegacy(
                  Whole(Dict({Str("w"), Tensor({.legacy = true}), Str("t"),
                              Tensor({.shape = {3, 2}, .stride = {1, 3}, .legacy = true})}))));
  EXPECT_EQ(file->format(), "torch legacy");
  EXPECT_EQ(Values(*file, "w"), (Floats{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(Values(*file, "t"), (Floats{0, 3, 1, 4, 2, 5}));
}

// Files that torch itself wrote: the official layout.
TEST(Reference, OpensTheOfficialFiles) {
  const auto vae = WeightFile::Open(kReference + "mini2.1/Wan2.1_VAE.pth");
  EXPECT_EQ(vae->format(), "torch zip");
  EXPECT_EQ(vae->tensors().size(), 194u);
  EXPECT_EQ(vae->tensors().at("encoder.conv1.weight").shape, (Shape{4, 3, 3, 3, 3}));
  EXPECT_EQ(vae->tensors().at("conv1.bias").shape, (Shape{32}));
  const auto text = WeightFile::Open(kReference + "mini2.1/models_t5_umt5-xxl-enc-bf16.pth");
  EXPECT_EQ(text->tensors().size(), 22u);
  EXPECT_EQ(text->tensors().at("token_embedding.weight").shape, (Shape{900, 64}));
  const auto dit = WeightFile::Open(kReference + "mini2.1/diffusion_pytorch_model.safetensors");
  EXPECT_EQ(dit->tensors().size(), 150u);
  EXPECT_EQ(dit->tensors().at("blocks.0.self_attn.q.weight").shape, (Shape{128, 128}));
}

// What was read from a .pth and written again holds the same bytes.
TEST(Reference, PthSurvivesConversion) {
  const test::Folder folder;
  const auto source = WeightFile::Open(kReference + "mini2.2/Wan2.2_VAE.pth");
  std::vector<NamedTensorRef> tensors;
  for (const auto& [name, view] : source->tensors()) {
    tensors.push_back({name, view.dtype, view.shape, view.data, view.bytes});
  }
  WriteSafetensors(folder.Path("vae.safetensors"), tensors, {});
  const auto copy = WeightFile::Open(folder.Path("vae.safetensors"));
  ASSERT_EQ(copy->tensors().size(), source->tensors().size());
  for (const auto& [name, view] : source->tensors()) {
    const TensorView& other = copy->tensors().at(name);
    EXPECT_EQ(other.shape, view.shape) << name;
    ASSERT_EQ(other.bytes, view.bytes) << name;
    EXPECT_EQ(std::memcmp(other.data, view.data, static_cast<size_t>(view.bytes)), 0) << name;
  }
}

}  // namespace
}  // namespace t3
