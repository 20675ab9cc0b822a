// Previews: the right map for each frame, and nothing about them that ends a run.
#include "pipeline/preview/preview.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>

#include "base/check.h"
#include "media/image.h"
#include "pipeline/preview/preview_clips.h"
#include "t3video/error.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

class PreviewTest : public testing::Test {
 protected:
  PreviewTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    ::setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  }
  ~PreviewTest() override {
    ::unsetenv("XDG_CACHE_HOME");
    fs::remove_all(folder_);
  }

  // The one map in the cache.
  fs::path Cached() const {
    for (const auto& entry : fs::directory_iterator(folder_ / "t3video")) {
      if (entry.path().filename().string().starts_with("preview-")) return entry.path();
    }
    ADD_FAILURE() << "no map was cached";
    return {};
  }

  fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("t3_preview_{}", ::getpid());
};

ColourMap OneColour(double r, double g, double b) {
  return {at::zeros({3, 4}, at::kDouble), at::tensor({r, g, b}, at::kDouble)};
}

TEST_F(PreviewTest, LaterFramesHaveTheirOwnMap) {
  const PreviewMap map{OneColour(1, -1, -1), OneColour(-1, -1, 1), "", ""};
  const std::string path = (folder_ / "now.png").string();
  Preview(path, 5, 8, MapPainter(map)).AfterStep(5, [] { return at::zeros({4, 3, 2, 2}); });
  const Image image = ReadImage(path);
  ASSERT_EQ(image.width, 3 * 256);
  for (int64_t frame = 0; frame < 3; ++frame) {
    const uint8_t* pixel = &image.rgb[static_cast<size_t>(3 * (256 * frame + 128))];
    EXPECT_EQ(pixel[0], frame == 0 ? 255 : 0);
    EXPECT_EQ(pixel[2], frame == 0 ? 0 : 255);
  }
}

TEST_F(PreviewTest, FailuresAreWarnings) {
  const PreviewMap map{OneColour(1, 1, 1), OneColour(1, 1, 1), "", ""};
  const auto latents = [] { return at::zeros({4, 1, 2, 2}); };
  EXPECT_NO_THROW(Preview("/nowhere/now.png", 1, 1, MapPainter(map)).AfterStep(1, latents));
  const Preview preview((folder_ / "now.png").string(), 1, 1, MapPainter(map));
  EXPECT_NO_THROW(preview.AfterStep(1, []() -> at::Tensor { throw std::bad_alloc(); }));
  EXPECT_NO_THROW(preview.AfterStep(1, []() -> at::Tensor {
    TORCH_CHECK_WITH(OutOfMemoryError, false, "out of memory");
    return {};
  }));
  EXPECT_THROW(preview.AfterStep(
                   1, []() -> at::Tensor { throw Error("interrupted", ErrorKind::kInterrupted); }),
               Error);
  EXPECT_NO_THROW(Preview("/nowhere/now.png", 1, 1, {}).AfterStep(1, latents));
}

TEST_F(PreviewTest, DamagedAndOlderMapsAreFittedAgain) {
  ModelFiles files;
  files.model = std::string(T3_SOURCE_DIR) + "/tests/data/reference/mini2.1";
  const ModelInfo model = OpenModel(files);
  const ProgressFn silent;
  const RunContext context{silent, nullptr, at::kCPU};
  const auto fitted = LoadPreviewMap(model, context);
  ASSERT_TRUE(fitted.has_value());
  EXPECT_EQ(fitted->later.matrix.sizes(), at::IntArrayRef({3, model.vae->latent_channels}));
  EXPECT_LE(fitted->later.r2, 1);
  const fs::path cached = Cached();
  for (const std::string& damaged :
       {std::string("x"), std::string("{\"vae\": \"") + fitted->vae + "\", \"matrix\": [[1]]}",
        "{\"vae\": \"" + fitted->vae + "\", \"later\": 5}", std::string(100'000, '[')}) {
    std::ofstream(cached) << damaged;
    const auto again = LoadPreviewMap(model, context);
    ASSERT_TRUE(again.has_value());
    EXPECT_TRUE(again->later.matrix.equal(fitted->later.matrix));
    EXPECT_GT(fs::file_size(cached), 1000u);
  }
  // Read back from the cache, the same map.
  const auto read = LoadPreviewMap(model, context);
  EXPECT_TRUE(read->first.matrix.equal(fitted->first.matrix));
  EXPECT_TRUE(read->later.bias.equal(fitted->later.bias));
  // A cache that can neither be read nor written.
  fs::remove(cached);
  fs::create_directory(cached);
  EXPECT_TRUE(LoadPreviewMap(model, context).has_value());
}

TEST_F(PreviewTest, DrawnClipsMove) {
  const auto clips = DrawClips(8);
  ASSERT_GE(clips.size(), 4u);
  for (const at::Tensor& clip : clips) {
    EXPECT_EQ(clip.sizes(), at::IntArrayRef({3, kPreviewFrames, 64, 64}));
    EXPECT_GT((clip.select(1, 0) - clip.select(1, 8)).abs().mean().item<double>(), 0.02);
  }
}

}  // namespace
}  // namespace t3
