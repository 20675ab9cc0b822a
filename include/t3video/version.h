// Which build of the library this is.
#pragma once

#include <string>

namespace t3 {

// Facts fixed when the library was built. Empty strings mean "not built in".
struct BuildInfo {
  std::string version;        // of the project, e.g. "0.1.0"
  std::string commit;         // abbreviated hash, with "-dirty" after local changes; or "unknown"
  std::string torch;          // version of libtorch, e.g. "2.11.0"
  std::string cuda;           // version of the CUDA compiler
  std::string cuda_archs;     // architectures of the CUDA code, e.g. "80;90a"
  std::string ffmpeg;         // version of libavcodec
  std::string sentencepiece;  // version of sentencepiece
  std::string compiler;       // e.g. "GNU 12.2.0"
  std::string build_type;     // e.g. "Release"
  std::string sanitizers;     // e.g. "address,undefined"
};

const BuildInfo& GetBuildInfo();

// The same for people: "t3video VERSION (commit ...)" and a line for each thing built in, each line
// ended by '\n'.
std::string DescribeBuild();

}  // namespace t3
