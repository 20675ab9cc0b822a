// Encoded prompts come back as they were, from memory and from the file.
#include "pipeline/embed_spool.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/check.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

TEST(EmbedSpool, ReturnsWhatWasAddedAndLeavesNothing) {
  const fs::path folder = fs::temp_directory_path() / "t3_embed_spool_test";
  fs::create_directories(folder);
  constexpr int kTexts = 12;  // of 8 MB each: half of them go to the file
  const auto embeds = [](int i) { return at::full({500 + i, 4096}, i, at::kFloat).to(at::kFloat); };
  {
    EmbedSpool spool(folder);
    for (int i = 0; i < kTexts; ++i) spool.Add(fmt::format("text {}", i), {{i, 1}, embeds(i)});
    for (int i = 0; i < kTexts; ++i) {
      const EncodedText encoded = spool.Read(fmt::format("text {}", i));
      EXPECT_EQ(encoded.ids, (std::vector<int32_t>{i, 1}));
      EXPECT_TRUE(at::equal(encoded.embeds, embeds(i))) << i;
    }
    EXPECT_TRUE(fs::is_empty(folder));
  }
  fs::remove_all(folder);
}

TEST(EmbedSpool, AMissingFolderIsNamed) {
  EmbedSpool spool("/no/such/folder");
  EXPECT_THROW(spool.Add("x", {{1}, at::zeros({5000, 4096})}), Error);
}

}  // namespace
}  // namespace t3
