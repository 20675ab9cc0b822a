// t3 world: renders scenes of consecutive seeds to video files with a list of captions.
#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/new_folder.h"
#include "base/output_lock.h"
#include "base/seconds_since.h"
#include "base/temporary.h"
#include "media/video_writer.h"
#include "pipeline/decode_target.h"
#include "pipeline/existing_files.h"
#include "runtime/device.h"
#include "runtime/stage.h"
#include "t3video/prepare.h"
#include "t3video/world.h"
#include "world/world.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// Pixels of the frames that are rendered at once, so that long 4K clips fit in memory.
constexpr int64_t kChunkPixels = 1 << 25;

std::string ClipName(const WorldRequest& request, uint64_t seed) {
  // A folder of pictures has no extension; VideoWriter recognises it by its '/'.
  const std::string extension = request.format == "png" ? "/" : "." + request.format;
  return fmt::format("world_{:08}{}", seed, extension);
}

constexpr const char* kSceneKey = "t3.world_seed";  // in each clip, so that it is recognised

VideoSettings WorldSettings(const WorldRequest& request, uint64_t seed) {
  VideoSettings settings;
  settings.width = request.width, settings.height = request.height, settings.fps = request.fps;
  settings.metadata["comment"] = DumpJson({{kSceneKey, std::to_string(seed)}});
  return settings;
}

void CheckWorld(const WorldRequest& request) {
  const auto check = [](const char* option, int64_t value, int64_t max) {
    if (value < 1 || value > max)
      FailUsage("world: `{}` {} is outside 1 to {}", option, value, max);
  };
  check("count", request.count, kMaxWorldClips);
  check("frames", request.frames, kMaxClipFrames);
  if (request.width < 16 || request.height < 16) {
    FailUsage("world: `size` {}x{}: wanted at least 16x16", request.width, request.height);
  }
  CheckFps(request.fps);
  const auto& formats = {"mp4", "mkv", "y4m", "png"};
  if (std::find(formats.begin(), formats.end(), request.format) == formats.end()) {
    FailUsage("world: `format` {}: wanted mp4, mkv, y4m or png", request.format);
  }
  if (request.output.empty()) FailUsage("world: no `output` folder");
}

void WriteFrames(const at::Tensor& frames, VideoWriter& writer) {  // (3,F,H,W) on the CPU
  for (int64_t i = 0; i < frames.size(1); ++i) {
    FrameView view;
    view.height = frames.size(2), view.width = view.row_stride = frames.size(3);
    for (int64_t c = 0; c < 3; ++c) view.planes[c] = frames[c][i].const_data_ptr<float>();
    writer.Write(view);
  }
}

void WriteClip(const WorldScene& scene, const WorldRequest& request, const fs::path& path,
               at::Device device) {
  const std::unique_ptr<VideoWriter> writer =
      OpenVideoWriter(path.string(), WorldSettings(request, scene.seed));
  const int64_t chunk = std::max<int64_t>(1, kChunkPixels / (request.width * request.height));
  for (int64_t first = 0; first < request.frames; first += chunk) {
    const WorldFrames range{first, std::min(chunk, request.frames - first)};
    const WorldView view{.width = request.width,
                         .height = request.height,
                         .frames = request.frames,
                         .fps = request.fps,
                         .range = range};
    WriteFrames(RenderScene(scene, view, device).cpu(), *writer);
  }
  writer->Finish();
}

nlohmann::json EntryOf(const WorldScene& scene, const std::string& file,
                       const WorldRequest& request) {
  nlohmann::json attributes;
  const WorldValues values = scene.Values();
  for (int i = 0; i < kWorldAttributes; ++i) {
    const auto attribute = static_cast<WorldAttribute>(i);
    attributes[std::string(WorldAttributeName(attribute))] =
        WorldValueNames(attribute)[static_cast<size_t>(values[static_cast<size_t>(i)])];
  }
  return {{"file", file},
          {"caption", Caption(scene, scene.seed)},
          {"seed", scene.seed},
          {"size", fmt::format("{}x{}", request.width, request.height)},
          {"frames", request.frames},
          {"fps", request.fps},
          {"attributes", attributes}};
}

// captions.json, which says at any time which clips are there.
class CaptionList {
 public:
  // Reads the clips that earlier calls made. Throws Error for a file that is not such a list.
  explicit CaptionList(const fs::path& folder)
      : folder_(folder), path_((folder / "captions.json").string()) {
    std::error_code ignored;
    if (!fs::exists(path_, ignored)) return;
    const nlohmann::json list = ReadJson(path_, kLongLists);
    T3_CHECK(list.is_array(), "world: {} is not a list of clips; move it away", path_);
    for (const nlohmann::json& entry : list) {
      T3_CHECK(entry.is_object() && entry.value("file", nlohmann::json()).is_string(),
               "world: {} has entries without \"file\"; move it away", path_);
      entries_[entry["file"].get<std::string>()] = entry;
    }
  }
  ~CaptionList() {
    try {
      Save();
    } catch (const Error& error) {
      spdlog::warn("{}", error.what());
    }
  }
  CaptionList(const CaptionList&) = delete;
  CaptionList& operator=(const CaptionList&) = delete;

  // Whether the clip of `entry` is there, rendered with the same settings.
  bool Has(const nlohmann::json& entry) const {
    const std::string file = entry["file"];
    const auto found = entries_.find(file);
    std::error_code ignored;
    return found != entries_.end() && found->second == entry && fs::exists(folder_ / file, ignored);
  }

  // Before a clip is rendered again, so that the list never describes another one.
  void Remove(const std::string& file) {
    if (entries_.erase(file) == 0) return;
    changed_ = true;
    Save();
  }

  // Saves every few seconds: a list of many clips takes long to write.
  void Add(const nlohmann::json& entry) {
    constexpr double kSeconds = 5;
    entries_[entry["file"]] = entry;
    changed_ = true;
    if (SecondsSince(saved_) > kSeconds) Save();
  }

  void Save() {
    if (!changed_) return;
    nlohmann::json list = nlohmann::json::array();
    for (const auto& [file, entry] : entries_) list.push_back(entry);
    WriteAtomically(path_, list.dump(1) + "\n");
    changed_ = false;
    saved_ = std::chrono::steady_clock::now();
  }

 private:
  fs::path folder_;
  std::string path_;
  std::map<std::string, nlohmann::json> entries_;  // by file
  bool changed_ = false;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

}  // namespace

namespace {

// Of the clips that will be written. One that a killed call wrote may not be in the list yet, and a
// file that took the place of a listed one is not a clip.
void CheckClipsReplaceable(const WorldRequest& request, const CaptionList& captions) {
  for (int64_t i = 0; i < request.count && !request.overwrite; ++i) {
    const uint64_t seed = request.seed + static_cast<uint64_t>(i);
    const std::string name = ClipName(request, seed);
    if (captions.Has(EntryOf(SampleScene(seed), name, request))) continue;
    CheckReplaceable(
        (fs::path(request.output) / name).string(), /*overwrite=*/false,
        [](const std::string& path) { return OutputMetadata(path).contains(kSceneKey); });
  }
}

}  // namespace

void MakeWorld(const WorldRequest& request, const ProgressFn& progress, const CancelToken* cancel) {
  CheckWorld(request);
  const at::Device device = ResolveDevice(request.device);
  const NewFolder made(request.output);
  const fs::path folder = request.output;
  const OutputLock lock(request.output);
  RemoveStaleTemporaries(request.output);
  CheckVideoTarget((folder / ClipName(request, request.seed)).string(),
                   WorldSettings(request, request.seed));
  CaptionList captions(folder);
  CheckClipsReplaceable(request, captions);
  const RunContext context{.progress = progress, .cancel = cancel, .device = device};
  Stage stage(context, "rendering", request.count, "clips");
  for (int64_t i = 0; i < request.count; ++i) {
    const uint64_t seed = request.seed + static_cast<uint64_t>(i);
    const std::string name = ClipName(request, seed);
    const WorldScene scene = SampleScene(seed);
    const nlohmann::json entry = EntryOf(scene, name, request);
    if (!captions.Has(entry)) {
      captions.Remove(name);
      WriteClip(scene, request, folder / name, device);
      captions.Add(entry);
    }
    stage.Advance(i + 1);
  }
  captions.Save();
}

}  // namespace t3
