// t3 doctor: whether this machine and a model are ready, and if not, what to do.
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "base/check.h"
#include "base/free_space.h"
#include "base/seconds_since.h"
#include "base/text.h"
#include "loading/model_layouts.h"
#include "loading/model_paths.h"
#include "media/video_writer.h"
#include "runtime/cache_folder.h"
#include "runtime/device.h"
#include "runtime/shipped_files.h"
#include "t3video/tools.h"
#include "t3video/version.h"
#include "tools/inspect.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

Finding GpuFinding() {
  const bool built = !GetBuildInfo().cuda.empty();
  const bool driver = fs::exists("/proc/driver/nvidia/version");
  if (built && at::getAccelerator() == c10::DeviceType::CUDA &&
      at::accelerator::deviceCount() > 0) {
    std::string state;
    for (c10::DeviceIndex i = 0; i < at::accelerator::deviceCount(); ++i) {
      const at::Device device(at::kCUDA, i);
      state += fmt::format("{}{} with {}, {} free", i == 0 ? "" : "; ", DeviceName(device),
                           FormatBytes(TotalBytes(device)), FormatBytes(AvailableBytes(device)));
    }
    return {"GPU", state, ""};
  }
  if (!driver)
    return {"GPU", "none: no NVIDIA driver is loaded",
            "videos are generated on the CPU, hundreds of times slower; if the machine has a GPU, "
            "install "
            "its driver"};
  if (!built)
    return {"GPU", "present, but this build has no CUDA",
            "build again with cmake --preset cuda, on a machine with nvcc"};
  return {"GPU", "present, but libtorch cannot use it",
          "compare the driver's CUDA version (nvidia-smi) with the build's (t3 --version)", true};
}

Finding DriverFinding() {
  const std::string version = FirstLine("/proc/driver/nvidia/version");
  return {"driver", version.empty() ? "none" : version, ""};
}

Finding TorchFinding() {
  const BuildInfo& build = GetBuildInfo();
  return {
      "libtorch",
      fmt::format("{}, {}, {}", build.torch, build.cuda.empty() ? "CPU only" : "CUDA " + build.cuda,
                  Counted(at::get_num_threads(), "thread")),
      ""};
}

Finding CpuFinding() {
  const at::Device cpu(at::kCPU);
  const at::ScalarType dtype = ResolveDtype(ComputeDtype::kAuto, cpu);
  return {
      "CPU",
      fmt::format("{}; computes in {}", DeviceName(cpu), dtype == at::kBFloat16 ? "bf16" : "fp32"),
      ""};
}

Finding MemoryFinding() {
  // The 5.7 billion parameters of the text encoder in bf16, and room to work.
  constexpr int64_t kEnough = 16'000'000'000;
  const int64_t free = AvailableBytes(at::kCPU);
  return {"memory",
          fmt::format("{} of {} free", FormatBytes(free), FormatBytes(TotalBytes(at::kCPU))),
          free >= kEnough ? ""
                          : "the full-size text encoder needs 11.4 GB; close other programs, or "
                            "give prompts as `text-embeds`"};
}

bool Opens(const std::string& path, const std::string& codec) {
  VideoSettings settings;
  settings.width = 256;
  settings.height = 256;
  settings.codec = codec;
  try {
    CheckVideoTarget(path, settings);
    return true;
  } catch (const Error&) {
    return false;
  }
}

Finding EncoderFinding(const std::string& folder) {
  const std::string path = (fs::path(folder) / "t3-doctor.mp4").string();
  std::string works;
  // Not libsvtav1: some versions never return from closing an encoder that got no frame.
  for (const char* codec : {"libx264", "libx265", "h264_nvenc", "hevc_nvenc"}) {
    if (Opens(path, codec)) works += fmt::format("{}{}", works.empty() ? "" : ", ", codec);
  }
  const bool standard = Opens(path, "");
  if (GetBuildInfo().ffmpeg.empty())
    return {"encoders", "none: built without FFmpeg",
            "`output` F.y4m or DIR/ work; for MP4 install libavcodec-dev, libavformat-dev, "
            "libavutil-dev and libswscale-dev and build again"};
  if (!standard)
    return {"encoders", works.empty() ? "no H.264 encoder opens" : works,
            "install an FFmpeg with libx264, or give `codec`, or `output` F.y4m"};
  return {"encoders", works + fmt::format(" (libavcodec {})", GetBuildInfo().ffmpeg), ""};
}

// Bytes per second of writing and syncing.
double WriteSpeed(const std::string& path, int64_t bytes) {
  const std::vector<char> block(size_t{1} << 22, 'x');
  const auto start = std::chrono::steady_clock::now();
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool good = fd >= 0;
  for (int64_t written = 0; good && written < bytes; written += std::ssize(block)) {
    good = ::write(fd, block.data(), block.size()) == std::ssize(block);
  }
  good = good && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  ::unlink(path.c_str());
  return good ? static_cast<double>(bytes) / SecondsSince(start) : 0;
}

Finding DiskFinding(const std::string& folder) {
  constexpr int64_t kProbe = 128'000'000;
  constexpr double kSlow = 50e6;
  // Several times a checkpoint, the final latents and the file of a 4K clip.
  constexpr int64_t kEnough = 10'000'000'000;
  std::error_code ignored;
  const std::string place = fs::weakly_canonical(folder, ignored).string();
  const std::optional<int64_t> free = FreeBytes(folder);
  const double speed =
      WriteSpeed((fs::path(folder) / fmt::format(".t3-doctor-{}", ::getpid())).string(), kProbe);
  Finding finding{"disk",
                  fmt::format("{}: {}, writes {}/s", place,
                              free ? FormatBytes(*free) + " free" : "free space unknown",
                              FormatBytes(static_cast<int64_t>(speed))),
                  ""};
  if (speed <= 0) {
    finding.remedy = "the folder cannot be written; give another to t3 doctor, and to `output`";
    finding.fatal = true;
  } else if (free && *free < kEnough) {
    finding.remedy = "a 4K clip and its states need up to 2 GB; free some space";
  } else if (speed < kSlow) {
    finding.remedy = "a checkpoint of a 4K run takes over ten seconds here; a local disk is better";
  }
  return finding;
}

// A model's folder, or one that was given to be looked at.
Finding FolderFinding(const std::string& folder) {
  const std::string fault = FaultOfModel(folder);
  const std::string place = folder == "demo" ? DemoModelFolder() : folder;
  if (fault.empty()) return {"model", place + ": complete", ""};
  return {"model", place + ": cannot be used", Printable(fault), true};
}

Finding ModelFinding() {
  const char* folder = std::getenv("T3_MODEL_DIR");
  std::error_code ignored;
  if (folder != nullptr && fs::is_directory(folder, ignored)) {
    Finding finding = FolderFinding(folder);
    finding.fatal = false;  // other models can be given
    return finding;
  }
  if (folder != nullptr)
    return {"model", fmt::format("T3_MODEL_DIR names {}, which is not a folder", folder),
            "set it to a checkpoint's folder, or unset it"};
  try {
    return {"model", "demo in " + DemoModelFolder() + "; T3_MODEL_DIR is not set", ""};
  } catch (const Error&) {
    return {"model", "T3_MODEL_DIR is not set, and no demo model is installed",
            "give `model` DIR, or set T3_MODEL_DIR to a checkpoint's folder; docs/guides/models.md "
            "says where to get models"};
  }
}

// Whether `folder` is meant as a model: the name of the shipped one, or a folder that holds
// weights.
bool IsModel(const std::string& folder) {
  if (folder == "demo") return true;
  if (folder == ".") return false;  // the default, whose weights need not be a model's
  return !FindCandidates(LocateModel({.model = folder}).folder, ModelPart::kDit).empty();
}

Finding CacheFinding() {
  const std::string folder = CacheFolder();
  return {"cache", folder.empty() ? "none" : folder,
          folder.empty() ? "calibrations cannot be saved; set XDG_CACHE_HOME to a folder" : ""};
}

std::vector<Finding> MachineFindings() {
  return {GpuFinding(), DriverFinding(), TorchFinding(), CpuFinding(), MemoryFinding()};
}

// What `folder` is and what its disk can do; the current folder's where it is a model, which may be
// on a disk for reading only.
std::vector<Finding> FolderFindings(const std::string& folder) {
  std::error_code ignored;
  if (folder != "demo" && !fs::is_directory(folder, ignored)) {
    const bool file = fs::exists(folder, ignored);
    return {{"folder",
             fmt::format("{}: {}", folder, file ? "is a file" : "there is no such folder"),
             file ? "`t3 inspect FILE` says what a file is; give a folder for outputs or of a model"
                  : "give a folder that is there, or none for the current one",
             true}};
  }
  if (!IsModel(folder)) return {EncoderFinding(folder), DiskFinding(folder), ModelFinding()};
  return {EncoderFinding("."), DiskFinding("."), FolderFinding(folder)};
}

}  // namespace

Health Doctor(const std::string& folder) {
  Health health;
  health.findings = MachineFindings();
  for (Finding& finding : FolderFindings(folder)) health.findings.push_back(std::move(finding));
  health.findings.push_back(CacheFinding());
  health.good =
      std::ranges::none_of(health.findings, [](const Finding& finding) { return finding.fatal; });
  return health;
}

}  // namespace t3
