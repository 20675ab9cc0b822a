// init, inspect and convert on small models: what one writes the others understand.
#include "t3video/tools.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "arch/dit.h"
#include "base/check.h"
#include "loading/load_models.h"
#include "nn/load.h"
#include "nn/testing/weight_file.h"
#include "tools/init.h"
#include "tools/inspect.h"
#include "weights/testing/test_files.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* const kReference = T3_SOURCE_DIR "/tests/data/reference/";

json SmallModel() {
  return {
      {"dit",
       {{"dim", 48},
        {"ffn_dim", 64},
        {"num_heads", 2},
        {"num_layers", 2},
        {"in_dim", 4},
        {"text_dim", 24}}},
      {"text_encoder",
       {{"dim", 24}, {"ffn_dim", 32}, {"num_heads", 2}, {"num_layers", 2}, {"vocab_size", 300}}},
      {"vae", {{"version", "2.1"}, {"latent_channels", 4}, {"encoder_dim", 4}, {"decoder_dim", 4}}},
      {"attention", "t3"}};
}

// A model written with `seed`; the folder is new in each call.
std::string MakeModel(const json& config, uint64_t seed, const std::string& name,
                      const std::string& dtype = "fp32") {
  const std::string file = TestPath(name + ".json");
  std::ofstream(file) << config.dump();
  const std::string folder = TestPath(name);
  fs::remove_all(folder);
  Init(file, seed, dtype, folder);
  return folder;
}

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int64_t SizeOf(const InspectReport& report, const char* name) {
  return std::get<int64_t>(FindSize(report.sizes, name)->value);
}

InspectReport InspectOne(const std::string& path) {
  const auto reports = InspectFile(path);
  EXPECT_EQ(reports.size(), 1u);
  return reports.front();
}

// A path in the test's folder where no earlier run left a file.
std::string FreshPath(const std::string& name) {
  const std::string path = TestPath(name);
  fs::remove(path);
  return path;
}

TEST(Tools, InitWritesCompleteNetworks) {
  const std::string folder = MakeModel(SmallModel(), 5, "model", "bf16");
  const InspectReport dit = InspectOne(folder + "/diffusion_pytorch_model.safetensors");
  EXPECT_EQ(dit.kind, "DiT");
  EXPECT_EQ(dit.naming, "original");
  EXPECT_TRUE(dit.complete) << dit.note;
  EXPECT_EQ(SizeOf(dit, "num_heads"), 2);
  EXPECT_EQ(dit.metadata.at("t3.attention"), "t3");
  EXPECT_EQ(dit.dtypes.begin()->first, "BF16");
  const InspectReport text = InspectOne(folder + "/models_t5_umt5-xxl-enc-bf16.safetensors");
  EXPECT_EQ(text.kind, "text encoder");
  EXPECT_TRUE(text.complete) << text.note;
  const InspectReport vae = InspectOne(folder + "/Wan2.1_VAE.safetensors");
  EXPECT_EQ(vae.kind, "VAE 2.1");
  EXPECT_TRUE(vae.complete) << vae.note;
  EXPECT_EQ(vae.dtypes.begin()->first, "F32");
}

TEST(Tools, InitDependsOnTheSeedAlone) {
  const std::string file = "/diffusion_pytorch_model.safetensors";
  const std::string first = ReadBytes(MakeModel(SmallModel(), 5, "a") + file);
  EXPECT_EQ(first, ReadBytes(MakeModel(SmallModel(), 5, "b") + file));
  EXPECT_NE(first, ReadBytes(MakeModel(SmallModel(), 6, "c") + file));
}

TEST(Tools, InitRefusesWhatDoesNotFit) {
  const auto error = [](const json& change) {
    json config = SmallModel();
    config.merge_patch(change);
    return ErrorOf([&] { ParseInitConfig(config, "", "c.json"); });
  };
  EXPECT_EQ(error(json::object()), "");
  EXPECT_THAT(error({{"dit", {{"num_heads", 5}}}}), HasSubstr("RoPE"));
  EXPECT_THAT(error({{"dit", {{"dim", "48"}}}}), HasSubstr("\"dim\" is \"48\""));
  EXPECT_THAT(error({{"dit", {{"dimension", 48}}}}), HasSubstr("\"dimension\" is not a field"));
  EXPECT_THAT(error({{"dit", {{"text_dim", 25}}}}), HasSubstr("text encoder's dim is 24"));
  EXPECT_THAT(error({{"vae", {{"latent_channels", 5}}}}), HasSubstr("has 5 latent channels"));
  EXPECT_THAT(error({{"vae", {{"version", "3"}}}}), HasSubstr("must be 2.1 or 2.2"));
  EXPECT_THAT(error({{"vae", {{"latents_std", {1, 0, 1, 1}}}}}), HasSubstr("must be positive"));
  EXPECT_THAT(error({{"attention", "sparse"}}), HasSubstr("not an attention pattern"));
  EXPECT_THAT(error({{"attention", "full"}, {"windows", "1,2,2"}}), HasSubstr("full attention"));
  EXPECT_THAT(error({{"dit", nullptr}, {"vae", nullptr}, {"text_encoder", nullptr}}),
              HasSubstr("names no network"));
  EXPECT_THAT(ErrorOf([] { ParseInitConfig(json::object(), "", "c.json"); }),
              HasSubstr("names no network"));
  EXPECT_THAT(ErrorOf([] { ReadInitConfig("wan9"); }), HasSubstr("unknown preset 'wan9'"));
}

TEST(Tools, InitTakesPartsOfAPreset) {
  const InitConfig config = ParseInitConfig(
      {{"preset", "wan2.2-5b-t3"}, {"text_encoder", nullptr}, {"dit", {{"num_layers", 3}}}}, "",
      "c.json");
  EXPECT_EQ(config.dit->dim, 3072);
  EXPECT_EQ(config.dit->num_layers, 3);
  EXPECT_FALSE(config.text);
  EXPECT_EQ(config.vae->version, VaeVersion::k22);
  EXPECT_EQ(config.attention, AttentionPattern::kT3);
}

TEST(Tools, InitLeavesFoldersInUseAlone) {
  const std::string folder = MakeModel(SmallModel(), 5, "model");
  EXPECT_THAT(ErrorOf([&] { Init(TestPath("model.json"), 5, "fp32", folder); }),
              HasSubstr("is not an empty folder"));
}

TEST(Tools, InspectKnowsTheReferenceFiles) {
  const std::string folder = std::string(kReference) + "mini2.2/";
  const InspectReport dit = InspectOne(folder + "diffusion_pytorch_model.safetensors");
  EXPECT_EQ(dit.kind, "DiT");
  EXPECT_TRUE(dit.complete) << dit.note;
  EXPECT_EQ(dit.parameters, 953520);
  EXPECT_EQ(SizeOf(dit, "num_heads"), 4);
  const InspectReport vae = InspectOne(folder + "Wan2.2_VAE.pth");
  EXPECT_EQ(vae.kind, "VAE 2.2");
  EXPECT_TRUE(vae.complete) << vae.note;
  EXPECT_EQ(InspectOne(folder + "models_t5_umt5-xxl-enc-bf16.pth").kind, "text encoder");
  EXPECT_EQ(InspectOne(std::string(kReference) + "mini2.1.expected.safetensors").kind, "unknown");
}

TEST(Tools, InspectListsWhatIsWrong) {
  const auto source =
      WeightFile::Open(std::string(kReference) + "mini2.1/diffusion_pytorch_model.safetensors");
  TestTensors tensors;
  for (const auto& [name, view] : source->tensors()) tensors[name] = ToTensor(view);
  tensors.erase("blocks.1.ffn.2.bias");
  tensors["img_emb.proj.0.weight"] = at::zeros({3});
  tensors["blocks.0.norm3.bias"] = at::zeros({5});
  const InspectReport report =
      InspectOne(TestFile("broken.safetensors", tensors, {{"t3.num_heads", "4"}})->path());
  EXPECT_FALSE(report.complete);
  EXPECT_THAT(report.differences.missing, ElementsAre("blocks.1.ffn.2.bias"));
  EXPECT_THAT(report.differences.surplus, ElementsAre("img_emb.proj.0.weight"));
  EXPECT_THAT(report.differences.misshapen, ElementsAre(HasSubstr("blocks.0.norm3.bias is (5)")));
  const InspectResult whole = Inspect(TestPath("broken.safetensors"));
  EXPECT_FALSE(whole.complete);
  EXPECT_FALSE(whole.model);
}

TEST(Tools, InspectKnowsLorasAndOwnFiles) {
  const InspectReport lora =
      InspectOne(TestFile("lora.safetensors",
                          {{"transformer.blocks.0.attn1.to_q.lora_A.weight", at::zeros({4, 8})},
                           {"transformer.blocks.0.attn1.to_q.lora_B.weight", at::zeros({8, 4})}})
                     ->path());
  EXPECT_EQ(lora.kind, "LoRA");
  EXPECT_TRUE(lora.complete) << lora.note;
  EXPECT_EQ(
      (std::get<std::map<std::string, int64_t>>(FindSize(lora.sizes, "ranks")->value).at("rank 4")),
      1);
  EXPECT_EQ(
      InspectOne(TestFile("l.safetensors", {{"latents", at::zeros({4, 1, 2, 2})}})->path()).kind,
      "latents");
  const InspectReport other =
      InspectOne(TestFile("o.safetensors", {{"something", at::zeros({4})}})->path());
  EXPECT_EQ(other.kind, "unknown");
  EXPECT_THAT(other.note, HasSubstr("not a DiT"));
}

TEST(Tools, InspectCallsNothingCompleteThatCannotBeLoaded) {
  const TestTensors factors{{"blocks.0.self_attn.q.lora_A.weight", at::zeros({4, 8})},
                            {"blocks.0.self_attn.q.lora_B.weight", at::full({8, 4}, NAN)}};
  EXPECT_THAT(InspectOne(TestFile("nan.safetensors", factors)->path()).note, HasSubstr("NaN"));
  EXPECT_THAT(
      InspectOne(TestFile("lokr.safetensors", {{"blocks.0.self_attn.q.lokr_w1", at::zeros({2, 2})}})
                     ->path())
          .note,
      HasSubstr("LoKr"));
  EXPECT_FALSE(
      InspectOne(TestFile("l.safetensors", {{"latents", at::zeros({4, 1})}})->path()).complete);
  const auto source =
      WeightFile::Open(std::string(kReference) + "mini2.1/diffusion_pytorch_model.safetensors");
  TestTensors tensors;
  for (const auto& [name, view] : source->tensors()) tensors[name] = ToTensor(view);
  at::Tensor& weight = tensors["blocks.0.self_attn.q.weight"];
  weight = weight.to(at::kChar);
  const std::string int8 = TestFile("int8.safetensors", tensors, {{"t3.num_heads", "4"}})->path();
  EXPECT_THAT(InspectOne(int8).note, HasSubstr("quantised to int8 without scales"));
  EXPECT_FALSE(Inspect(int8).complete);
  EXPECT_THAT(ErrorOf([&] { Convert(int8, FreshPath("o.safetensors"), "", {}); }),
              HasSubstr("quantised to int8 without scales"));
}

// LightX2V's int8 (a scale per row), under rCM's prefix, with FastWan's gates.
TEST(Tools, InspectAndConvertKnowQuantisedVariants) {
  const auto source =
      WeightFile::Open(std::string(kReference) + "mini2.1/diffusion_pytorch_model.safetensors");
  TestTensors tensors;
  for (const auto& [name, view] : source->tensors()) tensors["net." + name] = ToTensor(view);
  at::Tensor& weight = tensors["net.blocks.0.self_attn.q.weight"];
  weight = at::randint(-127, 128, weight.sizes()).to(at::kChar);
  const at::Tensor scale = at::rand({weight.size(0), 1});
  tensors["net.blocks.0.self_attn.q.weight_scale"] = scale;
  tensors["net.blocks.0.to_gate_compress.bias"] = at::zeros({8});
  at::Tensor& patches = tensors["net.patch_embedding.weight"];
  const at::Tensor kernel = patches;
  patches = patches.flatten(1);
  const std::string path = TestFile("rcm.safetensors", tensors, {{"t3.num_heads", "4"}})->path();
  const InspectReport report = InspectOne(path);
  EXPECT_TRUE(report.complete) << report.note;
  EXPECT_THAT(report.note, HasSubstr("to_gate_compress"));
  EXPECT_EQ(report.quantisation.at("I8"), "a scale per row");
  const std::string output = FreshPath("plain.safetensors");
  Convert(path, output, "fp32", {});
  const auto plain = WeightFile::Open(output);
  EXPECT_TRUE(at::equal(ToTensor(plain->tensors().at("blocks.0.self_attn.q.weight")),
                        weight.to(at::kFloat) * scale));
  EXPECT_TRUE(
      at::equal(ToTensor(plain->tensors().at("patch_embedding.weight")), kernel.to(at::kFloat)));
}

// ggml's axes, without the leading ones of size 1, in Q8_0 where rows fill its blocks.
std::string WriteGgufDit(const WeightFile& source, const std::string& path) {
  using namespace test::gguf;
  File file{.tensors = {}, .pairs = {Pair("t3.num_heads", kText, Text("4"))}, .data = ""};
  for (const auto& [name, view] : source.tensors()) {
    const at::Tensor values = ToTensor(view).to(at::kFloat).contiguous();
    Tensor tensor{.name = name, .axes = {}, .offset = file.data.size()};
    for (auto size = view.shape.rbegin(); size != view.shape.rend(); ++size) {
      tensor.axes.push_back(static_cast<uint64_t>(*size));
    }
    while (tensor.axes.size() > 1 && tensor.axes.back() == 1) tensor.axes.pop_back();
    if (tensor.axes.size() == 2 && tensor.axes[0] % 32 == 0 && name.ends_with(".weight")) {
      tensor.type = 8;
      for (int64_t i = 0; i < values.numel() / 32; ++i) {  // d = 2^-8
        file.data += test::Le(0x1C00, 2) + std::string(32, static_cast<char>(i % 251));
      }
    } else {
      file.data.append(static_cast<const char*>(values.const_data_ptr()), values.nbytes());
    }
    file.data.resize((file.data.size() + 31) / 32 * 32);
    file.tensors.push_back(std::move(tensor));
  }
  std::ofstream(path, std::ios::binary) << Whole(file);
  return path;
}

// The network of a GGUF file has the bits of the one from its values in fp32.
TEST(Tools, AGgufDenoiserIsItsConvertedOne) {
  const auto source =
      WeightFile::Open(std::string(kReference) + "mini2.1/diffusion_pytorch_model.safetensors");
  const std::string path = WriteGgufDit(*source, FreshPath("wan.gguf"));
  const InspectReport report = InspectOne(path);
  EXPECT_TRUE(report.complete) << report.note << DescribeDifferences(report.differences);
  EXPECT_EQ(report.format, "GGUF");
  EXPECT_EQ(report.quantisation.at("Q8_0"), "8.5 bits a value");
  const std::string plain = FreshPath("plain.safetensors");
  Convert(path, plain, "fp32", {});
  const ModelInfo model = OpenModel({.dit = path});
  CheckDit(model);
  const TensorMap loaded =
      LoadTensors(model.dit_views, DitTensors(model.dit), DitNaming(), LoadOptions{});
  const auto converted = WeightFile::Open(plain);
  EXPECT_EQ(loaded.size(), converted->tensors().size());
  for (const auto& [name, weight] : loaded) {
    EXPECT_TRUE(at::equal(weight, ToTensor(converted->tensors().at(name)))) << name;
  }
  EXPECT_EQ(loaded.at("blocks.0.self_attn.q.weight")[0][32].item<float>(), 1.0F / 256);
}

TEST(Tools, ConvertWritesSafetensorsOnly) {
  for (const char* name : {"o.pth", "o.gguf", "o"}) {
    EXPECT_THAT(ErrorOf([&] { Convert("demo", FreshPath(name), "", {}); }),
                HasSubstr("a name that ends with .safetensors"));
  }
}

TEST(Tools, InspectTakesFolders) {
  const std::string folder = std::string(kReference) + "mini2.1";
  const InspectResult whole = Inspect(folder);
  EXPECT_TRUE(whole.complete) << whole.note;
  EXPECT_TRUE(whole.model);
  EXPECT_EQ(whole.path, folder);
  EXPECT_EQ(whole.reports.size(), 3u);
  const InspectResult half = Inspect(MakeModel(SmallModel(), 5, "model"));
  EXPECT_FALSE(half.complete);
  EXPECT_THAT(half.note, HasSubstr("the model has no tokenizer"));
}

TEST(Tools, ConvertTakesTheDenoiserOfAFolder) {
  const std::string output = FreshPath("o.safetensors");
  Convert(std::string(kReference) + "mini2.1", output, "", {});
  EXPECT_EQ(InspectOne(output).kind, "DiT");
}

// Under another name they would be taken for weights that need 50 guided steps.
TEST(Tools, ConvertStatesHowDistilledWeightsAreSampled) {
  const std::string reference = std::string(kReference) + "mini2.1/";
  const std::string input = TestPath("wan_lightx2v_4step.safetensors");
  constexpr auto kReplace = fs::copy_options::overwrite_existing;
  fs::copy_file(reference + "diffusion_pytorch_model.safetensors", input, kReplace);
  fs::copy_file(reference + "config.json", TestPath("config.json"), kReplace);
  const std::string output = TestPath("o.safetensors");
  fs::remove(output);
  Convert(input, output, "", {});
  EXPECT_EQ(json::parse(WeightFile::Open(output)->metadata().at("t3.sampling")),
            (json{{"sampler", "euler"}, {"steps", 4}, {"guidance", 1.0}, {"shift", 5.0}}));
  const ModelInfo model = OpenModel({.model = reference, .dit = output});
  ASSERT_TRUE(model.distilled);
  EXPECT_EQ(model.distilled->source, "the file's metadata");
}

TEST(Tools, OneFileOfAllNetworksIsAModel) {
  const std::string folder = std::string(kReference) + "mini2.1";
  TestTensors all;
  const std::pair<const char*, const char*> parts[] = {
      {"/diffusion_pytorch_model.safetensors", "model.diffusion_model."},
      {"/models_t5_umt5-xxl-enc-bf16.pth", "text_encoders.umt5xxl.transformer."},
      {"/Wan2.1_VAE.pth", "vae."}};
  for (const auto& [file, prefix] : parts) {
    const auto network = WeightFile::Open(folder + file);
    for (const auto& [name, view] : network->tensors()) all[prefix + name] = ToTensor(view);
  }
  const std::string tokenizer = ReadBytes(folder + "/google/umt5-xxl/spiece.model");
  const at::Tensor bytes = at::empty({static_cast<int64_t>(tokenizer.size())}, at::kByte);
  std::memcpy(bytes.data_ptr(), tokenizer.data(), tokenizer.size());
  all["text_encoders.umt5xxl.spiece_model"] = bytes;
  const std::string path = TestFile("all.safetensors", all, {{"t3.num_heads", "4"}})->path();
  const ModelInfo model = OpenModel({.model = path});
  EXPECT_EQ(model.paths.text_encoder, path);
  EXPECT_EQ(model.paths.vae, path);
  CheckDit(model);
  CheckTextEncoder(model);
  CheckVae(model);
}

TEST(Tools, TheVaeThatFitsIsTaken) {
  const std::string folder = TestPath("two");
  fs::remove_all(folder);
  fs::create_directories(folder + "/vae");
  const std::string reference(kReference);
  const auto copy = [&](const std::string& from, const std::string& to) {
    fs::copy_file(reference + from, folder + "/" + to);
  };
  copy("mini2.1/diffusion_pytorch_model.safetensors", "wan2.1_t2v.safetensors");
  copy("mini2.1/config.json", "config.json");
  copy("mini2.1/Wan2.1_VAE.pth", "vae/wan_2.1_vae.pth");
  copy("mini2.2/Wan2.2_VAE.pth", "vae/wan2.2_vae.pth");
  EXPECT_THAT(OpenModel({.model = folder}).paths.vae, HasSubstr("wan_2.1_vae.pth"));
  copy("mini2.1/Wan2.1_VAE.pth", "vae/again.pth");
  EXPECT_THAT(ErrorOf([&] { OpenModel({.model = folder}); }),
              AllOf(HasSubstr("again.pth"), HasSubstr("wan_2.1_vae.pth"), HasSubstr("`vae`")));
  fs::remove_all(folder + "/vae");
  EXPECT_FALSE(OpenModel({.model = folder}).vae);
}

TEST(Tools, ConvertKeepsWeightsAndSizes) {
  for (const char* name : {"diffusion_pytorch_model.safetensors", "Wan2.1_VAE.pth",
                           "models_t5_umt5-xxl-enc-bf16.pth"}) {
    const std::string input = std::string(kReference) + "mini2.1/" + name;
    const std::string output = FreshPath(std::string(name) + ".safetensors");
    Convert(input, output, "", {});
    const auto before = WeightFile::Open(input);
    const auto after = WeightFile::Open(output);
    ASSERT_EQ(after->tensors().size(), before->tensors().size());
    for (const auto& [tensor, view] : before->tensors()) {
      EXPECT_TRUE(at::equal(ToTensor(view), ToTensor(after->tensors().at(tensor)))) << tensor;
    }
    // The converted file needs no config.json: its metadata tells the heads.
    const InspectReport report = InspectOne(output);
    EXPECT_TRUE(report.complete) << report.note;
    EXPECT_EQ(report.sizes, InspectOne(input).sizes);
  }
}

TEST(Tools, ConvertRefusesWhatIsNoNetwork) {
  const std::string input = TestFile("x.safetensors", {{"latents", at::zeros({2})}})->path();
  EXPECT_THAT(ErrorOf([&] { Convert(input, TestPath("y.safetensors"), "", {}); }),
              HasSubstr("holds no DiT"));
  EXPECT_THAT(ErrorOf([&] { Convert(input, TestPath("y.safetensors"), "int8", {}); }),
              HasSubstr("wanted fp32, fp16, bf16 or fp8"));
}

TEST(Tools, CombinedFilesListTheirNetworks) {
  const std::string folder = MakeModel(SmallModel(), 5, "model");
  TestTensors all;
  const std::pair<const char*, const char*> parts[] = {
      {"/diffusion_pytorch_model.safetensors", "model.diffusion_model."},
      {"/Wan2.1_VAE.safetensors", "first_stage_model."}};
  for (const auto& [file, prefix] : parts) {
    const auto network = WeightFile::Open(folder + file);
    for (const auto& [name, view] : network->tensors()) {
      all[prefix + name] = ToTensor(view);
    }
  }
  const auto reports =
      InspectFile(TestFile("all.safetensors", all, {{"t3.num_heads", "2"}})->path());
  ASSERT_EQ(reports.size(), 2u);
  for (const InspectReport& report : reports) {
    EXPECT_TRUE(report.complete) << report.kind << report.note;
    EXPECT_EQ(report.naming, "ComfyUI");
  }
}

}  // namespace
}  // namespace t3
