// Whatever the child does, the parent gets an answer or an Error that names the file.
#include "media/ffmpeg/decode_process.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "media/ffmpeg/decode_service.h"
#include "media/testing/frames.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

TEST(DecodeProcess, AnswersInOrderAndSharesMemory) {
  DecodeProcess process([calls = 0](std::string_view request, SharedMemory& shared) mutable {
    const std::string text = std::string(request) + std::to_string(++calls);
    std::memcpy(shared.Map(1000 * static_cast<size_t>(calls)), text.data(), text.size());
    return text;
  });
  EXPECT_EQ(process.Call("clip.mp4", "a"), "a1");
  EXPECT_EQ(std::memcmp(process.shared().Map(1000), "a1", 2), 0);
  EXPECT_EQ(process.Call("clip.mp4", "b"), "b2");
  EXPECT_EQ(std::memcmp(process.shared().Map(2000), "b2", 2), 0);
}

TEST(DecodeProcess, PassesErrorsOn) {
  DecodeProcess process([](std::string_view request, SharedMemory&) -> std::string {
    if (request == "usage") throw Error("wrong option", ErrorKind::kUsage);
    if (request == "memory") throw std::bad_alloc();
    throw Error("clip.mp4 is broken");
  });
  EXPECT_EQ(ErrorOf([&] { process.Call("clip.mp4", "error"); }), "clip.mp4 is broken");
  EXPECT_THAT(ErrorOf([&] { process.Call("clip.mp4", "memory"); }),
              HasSubstr("clip.mp4: out of memory"));
  try {
    process.Call("clip.mp4", "usage");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
}

TEST(DecodeProcess, ItsDeathIsAnError) {
  const auto die = [](std::string_view how, SharedMemory&) -> std::string {
    if (how == "abort") std::abort();
    if (how == "hang") {
      ::alarm(1);  // instead of kMaxSilentSeconds
      while (true) ::pause();
    }
    ::_exit(3);
  };
  for (const auto& [how, message] :
       {std::pair{"abort", "crashed on it"}, {"hang", "no progress"}, {"exit", "ended"}}) {
    DecodeProcess process(die);
    const auto call = [&process, how = how] { process.Call("clip.mp4", how); };
    const std::string error = ErrorOf(call);
    EXPECT_THAT(error, HasSubstr("clip.mp4")) << how;
    EXPECT_THAT(error, HasSubstr(message));
    EXPECT_THAT(ErrorOf(call), HasSubstr("clip.mp4"));
  }
}

TEST(DecodeSession, TakesOneFileAfterAnother) {
  const TestFolder folder;
  WriteBytes(folder / "text.mp4", "this is not a video");
  const std::string path = folder / "text.mp4";
  for (int i = 0; i < 3; ++i) {
    DecodeSession session(path), second(path);
    EXPECT_THAT(ErrorOf([&] { session.Call(DecodeCommand::kOpen); }), HasSubstr("text.mp4"));
    EXPECT_THAT(ErrorOf([&] { second.Call(DecodeCommand::kOpen); }), HasSubstr("text.mp4"));
  }
}

}  // namespace
}  // namespace t3
