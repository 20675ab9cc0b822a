// What is refused before it is queued.
#include "serve/plan_refusal.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "serve/api_error.h"

namespace t3::serve {
namespace {

// "" where it fits. Peak and budget of the device and of the host, in bytes.
std::string Refusal(int64_t peak, int64_t budget, int64_t host, int64_t host_budget, bool fits,
                    const char* device = "cpu") {
  try {
    RefuseWhatDoesNotFit({{"size", "1024x576"},
                          {"num_frames", 17},
                          {"device", device},
                          {"memory",
                           {{"peak_bytes", peak},
                            {"budget_bytes", budget},
                            {"host_bytes", host},
                            {"host_budget_bytes", host_budget},
                            {"fits", fits}}}});
    return "";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.code(), "cannot_be_made");
    return error.what();
  }
}

TEST(PlanRefusal, QuotesTheMemoryThatDoesNotFit) {
  constexpr int64_t kGB = 1'000'000'000;
  const std::string video = "1024x576 with 17 frames needs ";
  const std::string end = "; a smaller `size` or fewer `num_frames` may fit";
  EXPECT_EQ(Refusal(22 * kGB, 23 * kGB, 22 * kGB, 23 * kGB, true), "");
  EXPECT_EQ(Refusal(22738893766, 23453335552, 23938893766, 23253335552, false),
            video + "23.9 GB of host memory, and the server has 23.3 GB" + end);
  EXPECT_EQ(Refusal(5 * kGB, 2 * kGB, kGB, 64 * kGB, false, "cuda:0"),
            video + "5.0 GB of GPU memory, and the server has 2.0 GB" + end);
  // Without a limit of the device.
  EXPECT_EQ(Refusal(5 * kGB, 0, 3 * kGB, 2 * kGB, false, "cuda:0"),
            video + "3.0 GB of host memory, and the server has 2.0 GB" + end);
  EXPECT_EQ(Refusal(kGB, 2 * kGB, 2 * kGB + 1, 2 * kGB, false),
            video + "2000000001 bytes of host memory, and the server has 2000000000 bytes" + end);
}

TEST(PlanRefusal, PicturesNeedAModelThatTakesThem) {
  const nlohmann::ordered_json takes{{"image_to_video", true}},
      takes_none{{"image_to_video", false}};
  try {
    RefuseInput(takes_none, "image", "input");
    ADD_FAILURE();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.code(), "cannot_be_made");
    EXPECT_EQ(error.Json().at("error").at("param"), "input");
  }
  EXPECT_NO_THROW(RefuseInput(takes_none, "video", "input"));
  EXPECT_NO_THROW(RefuseInput(takes_none, "", "input"));
  EXPECT_NO_THROW(RefuseInput(takes, "image", "input"));
  EXPECT_NO_THROW(RefuseInput(nullptr, "image", "input"));
}

}  // namespace
}  // namespace t3::serve
