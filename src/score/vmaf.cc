// Runs ffmpeg's libvmaf filter on the two files.
#include "score/vmaf.h"

#include <filesystem>

#include "base/check.h"
#include "base/json.h"
#include "base/read_text.h"
#include "base/temporary.h"
#include "base/text.h"
#include "score/run_program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
constexpr const char* kLog = "vmaf.json";  // in the folder in which ffmpeg runs

std::string FilterOf(int64_t height) {
  // The model for 4K was fitted to viewing at 1.5 screen heights.
  constexpr int64_t kMin4kRows = 1440;
  return fmt::format(
      "[0:v]setpts=N/TB/25[a];[1:v]setpts=N/TB/25[b];"
      "[a][b]libvmaf=model=version={}:log_fmt=json:log_path={}",
      height >= kMin4kRows ? "vmaf_4k_v0.6.1" : "vmaf_v0.6.1", kLog);
}

std::string LastLine(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return Quote(text.substr(text.rfind('\n') + 1));
}

class VmafOfClip : public ClipMetric {
 public:
  VmafOfClip(std::string program, const ClipInfo& clip)
      : program_(std::move(program)), clip_(clip) {}

  void Add(const ScoreFrame&) override {}  // ffmpeg decodes the files itself
  MetricValues Finish() override {
    const Temporary folder = Temporary::Folder(fs::temp_directory_path(), "vmaf");
    const auto input = [](const std::string& path) {
      return "file:" + fs::absolute(path).string();
    };
    const ProgramOutput output = RunProgram(
        {program_, "-hide_banner", "-nostdin", "-v", "error", "-i", input(clip_.path), "-i",
         input(clip_.reference), "-lavfi", FilterOf(clip_.height), "-f", "null", "-"},
        folder.path());
    T3_CHECK(output.exit_code == 0, "vmaf: {} ended with {} on {}: {}", program_, output.exit_code,
             clip_.path, LastLine(output.text));
    return {{"vmaf", VmafOfLog(ReadText(folder.path() + "/" + kLog), "the log of " + program_)}};
  }

 private:
  std::string program_;
  ClipInfo clip_;
};

class Vmaf : public Metric {
 public:
  explicit Vmaf(std::string program) : program_(std::move(program)) {}
  std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) override {
    for (const std::string& path : {clip.path, clip.reference}) {
      if (fs::is_directory(path)) FailUsage("vmaf reads video files; {} is a folder", path);
    }
    return std::make_unique<VmafOfClip>(program_, clip);
  }

 private:
  std::string program_;
};

}  // namespace

std::unique_ptr<Metric> OpenVmaf(const MetricSetup& setup) {
  const std::string program = setup.program.empty() ? "ffmpeg" : setup.program;
  const ProgramOutput filters = RunProgram({program, "-hide_banner", "-filters"}, "");
  T3_CHECK(filters.text.find(" libvmaf ") != std::string::npos,
           "vmaf needs an ffmpeg with the libvmaf filter, which {} {}; name one with "
           "`vmaf-binary`",
           program, filters.exit_code == 0 ? "lacks" : "is not");
  return std::make_unique<Vmaf>(program);
}

double VmafOfLog(const std::string& text, const std::string& what) {
  const nlohmann::json log = ParseJson(text, what, kLongLists);
  try {
    return log.at("pooled_metrics").at("vmaf").at("mean").get<double>();
  } catch (const nlohmann::json::exception&) {
    Fail("{} has no mean of vmaf in \"pooled_metrics\"", what);
  }
}

}  // namespace t3
