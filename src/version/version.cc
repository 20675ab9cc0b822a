// What the build wrote down about itself.
#include "t3video/version.h"

#include "build_info.h"

namespace t3 {

const BuildInfo& GetBuildInfo() {
  static const BuildInfo info{
      .version = T3_BUILD_VERSION,
      .commit = T3_BUILD_COMMIT,
      .torch = T3_BUILD_TORCH,
      .cuda = T3_BUILD_CUDA,
      .cuda_archs = T3_BUILD_CUDA_ARCHS,
      .ffmpeg = T3_BUILD_FFMPEG,
      .sentencepiece = T3_BUILD_SENTENCEPIECE,
      .compiler = T3_BUILD_COMPILER,
      .build_type = T3_BUILD_TYPE,
      .sanitizers = T3_BUILD_SANITIZERS,
  };
  return info;
}

std::string DescribeBuild() {
  const BuildInfo& info = GetBuildInfo();
  const auto line = [](const std::string& name, const std::string& value) {
    return "  " + name + std::string(15 - name.size(), ' ') + (value.empty() ? "no" : value) + '\n';
  };
  std::string text = "t3video " + info.version + " (commit " + info.commit + ")\n";
  text += line("torch", info.torch);
  text += line("cuda", info.cuda.empty() ? "" : info.cuda + ", code for sm_" + info.cuda_archs);
  text += line("ffmpeg", info.ffmpeg.empty() ? "" : "libavcodec " + info.ffmpeg);
  text += line("sentencepiece", info.sentencepiece);
  text += line("compiler", info.compiler + ", " + info.build_type);
  if (!info.sanitizers.empty()) text += line("sanitizers", info.sanitizers);
  return text;
}

}  // namespace t3
