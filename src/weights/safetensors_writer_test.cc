// Writing safetensors: what is written, and that nothing is left when it fails.
#include "weights/safetensors_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <limits>

#include "base/testing/error_of.h"
#include "t3video/error.h"
#include "weights/testing/test_files.h"
#include "weights/testing/test_folder.h"
#include "weights/weight_file.h"

namespace t3 {
namespace {

const std::byte* Data(const std::string& text) {
  return reinterpret_cast<const std::byte*>(text.data());
}

NamedTensorRef Ref(const std::string& name, DType dtype, std::vector<int64_t> shape,
                   const std::string& data) {
  return {name, dtype, std::move(shape), Data(data), static_cast<int64_t>(data.size())};
}

TEST(WriteSafetensors, WritesTheOrderGivenAlignedAndRepeatably) {
  const test::Folder folder;
  const std::string floats = test::SixFloats();
  const std::string one = "1";
  const std::vector<NamedTensorRef> tensors{Ref("z", DType::kF32, {2, 3}, floats),
                                            Ref("a\"\n\xc3\xa9", DType::kU8, {}, one),
                                            Ref("e", DType::kBF16, {0, 2}, "")};
  const Metadata metadata{{"b", "2"}, {"a", "line\nbreak"}};
  WriteSafetensors(folder.Path("x"), tensors, metadata);
  WriteSafetensors(folder.Path("y"), tensors, metadata);
  const std::string bytes = folder.Read("x");
  EXPECT_EQ(bytes, folder.Read("y"));
  std::string header = R"({"__metadata__":{"a":"line\nbreak","b":"2"},)"
                       R"("z":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                       R"("a\"\n)"
                       "\xc3\xa9"
                       R"(":{"dtype":"U8","shape":[],"data_offsets":[24,25]},)"
                       R"("e":{"dtype":"BF16","shape":[0,2],"data_offsets":[25,25]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(bytes, test::Safetensors(header, floats + one));
  const auto file = WeightFile::Open(folder.Path("x"));
  EXPECT_EQ(file->metadata(), metadata);
  EXPECT_EQ(file->tensors().size(), 3u);
}

TEST(WriteSafetensors, EveryDTypeRoundTrips) {
  const test::Folder folder;
  std::vector<NamedTensorRef> tensors;
  const std::string data(24, '\1');
  for (int i = 0; i <= static_cast<int>(DType::kBool); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(FindDType(DTypeName(dtype)), dtype);
    tensors.push_back(Ref(std::string(DTypeName(dtype)), dtype, {24 / DTypeSize(dtype)}, data));
  }
  WriteSafetensors(folder.Path("x"), tensors, {});
  const auto file = WeightFile::Open(folder.Path("x"));
  ASSERT_EQ(file->tensors().size(), tensors.size());
  for (const auto& [name, view] : file->tensors()) EXPECT_EQ(DTypeName(view.dtype), name);
}

TEST(WriteSafetensors, RefusesImpossibleTables) {
  const test::Folder folder;
  const std::string path = folder.Path("x");
  const std::string one = "1";
  const auto write = [&](const std::vector<NamedTensorRef>& tensors,
                         const Metadata& metadata = {}) {
    return ErrorOf([&] { WriteSafetensors(path, tensors, metadata); });
  };
  const NamedTensorRef good = Ref("w", DType::kU8, {1}, one);
  EXPECT_THAT(write({good, good}), testing::HasSubstr("'w': the name is taken"));
  EXPECT_THAT(write({Ref("__metadata__", DType::kU8, {1}, one)}), testing::HasSubstr("is taken"));
  EXPECT_THAT(write({Ref("\xff", DType::kU8, {1}, one)}), testing::HasSubstr("not UTF-8"));
  EXPECT_THAT(write({good}, {{"k", "\xff"}}), testing::HasSubstr("not UTF-8"));
  EXPECT_THAT(write({Ref("w", DType::kU8, {-1}, one)}), testing::HasSubstr("[-1] is impossible"));
  EXPECT_THAT(write({Ref("w", DType::kU8, {INT64_MAX, 2}, one)}),
              testing::HasSubstr("is impossible"));
  EXPECT_THAT(write({Ref("w", DType::kU8, {2}, one)}), testing::HasSubstr("1 bytes of tensor 'w'"));
  EXPECT_TRUE(folder.Empty()) << "a refused file leaves nothing behind";
}

TEST(SafetensorsStream, ChecksOrderAndCompleteness) {
  const test::Folder folder;
  const std::string one = "1";
  const std::vector<TensorInfo> table{{"a", DType::kU8, {1}}, {"b", DType::kU8, {1}}};
  {
    SafetensorsStream stream(folder.Path("x"), table, {});
    EXPECT_THAT(ErrorOf([&] { stream.Write("b", Data(one), 1); }),
                testing::HasSubstr("tensor 'b' came where 1 bytes of 'a' are next"));
    stream.Write("a", Data(one), 1);
    EXPECT_THAT(ErrorOf([&] { stream.Finish(); }), testing::HasSubstr("'b' is missing"));
  }
  EXPECT_TRUE(folder.Empty());
  SafetensorsStream stream(folder.Path("x"), table, {});
  stream.Write("a", Data(one), 1);
  stream.Write("b", Data(one), 1);
  EXPECT_THAT(ErrorOf([&] { stream.Write("c", Data(one), 1); }),
              testing::HasSubstr("'c' is not in the table"));
  stream.Finish();
  EXPECT_THAT(ErrorOf([&] { stream.Finish(); }), testing::HasSubstr("finished already"));
  EXPECT_EQ(WeightFile::Open(folder.Path("x"))->tensors().size(), 2u);
}

// A limit on the file size stands for the full disk; both are met by the reservation.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(SafetensorsStream, MissingSpaceIsFoundBeforeTheWork) {
  const test::Folder folder;
  std::string error;
  {
    const FileSizeLimit limit(100'000);
    error = ErrorOf([&] {
      SafetensorsStream(folder.Path("x"), {{"w", DType::kF32, {1'000'000}}}, {});
    });
  }
  EXPECT_THAT(error, testing::HasSubstr("cannot write " + folder.Path("x") + " (4.0 MB)"));
  EXPECT_TRUE(folder.Empty());
}

TEST(SafetensorsStream, UnwritableFolder) {
  EXPECT_THAT(ErrorOf([] { SafetensorsStream("/nonexistent/x", {}, {}); }),
              testing::HasSubstr("the folder /nonexistent does not exist"));
}

}  // namespace
}  // namespace t3
