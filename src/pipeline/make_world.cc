// t3 world: scenes of consecutive seeds to video files and a list of captions.
#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/check.h"
#include "media/video_writer.h"
#include "pipeline/device.h"
#include "pipeline/stage.h"
#include "t3video/world.h"
#include "world/world.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// Frames are rendered in pieces of so many pixels, so that long clips in 4K fit the memory.
constexpr int64_t kPixelsAtOnce = 1 << 25;

std::string ClipName(const WorldRequest& request, uint64_t seed) {
  // A folder of pictures has no extension; VideoWriter tells it by its '/'.
  const std::string extension = request.format == "png" ? "/" : "." + request.format;
  return fmt::format("world_{:08}{}", seed, extension);
}

VideoSettings WorldSettings(const WorldRequest& request) {
  VideoSettings settings;
  settings.width = request.width, settings.height = request.height, settings.fps = request.fps;
  return settings;
}

void CheckWorld(const WorldRequest& request) {
  if (request.count < 1) FailUsage("world: --count {}: wanted at least 1", request.count);
  if (request.frames < 1) FailUsage("world: --frames {}: wanted at least 1", request.frames);
  if (request.width < 16 || request.height < 16) {
    FailUsage("world: --size {}x{}: wanted at least 16x16", request.width, request.height);
  }
  const auto& formats = {"mp4", "mkv", "y4m", "png"};
  if (std::find(formats.begin(), formats.end(), request.format) == formats.end()) {
    FailUsage("world: --format {}: wanted mp4, mkv, y4m or png", request.format);
  }
  if (request.output.empty()) FailUsage("world: no --output folder");
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
      OpenVideoWriter(path.string(), WorldSettings(request));
  const int64_t some = std::max<int64_t>(1, kPixelsAtOnce / (request.width * request.height));
  for (int64_t first = 0; first < request.frames; first += some) {
    const WorldFrames range{first, std::min(some, request.frames - first)};
    const WorldView view{.width = request.width,
                         .height = request.height,
                         .frames = request.frames,
                         .fps = request.fps,
                         .range = range};
    WriteFrames(RenderScene(scene, view, device).cpu(), *writer);
  }
  writer->Finish();
}

nlohmann::json EntryOf(const WorldScene& scene, const std::string& file) {
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
          {"attributes", attributes}};
}

}  // namespace

void MakeWorld(const WorldRequest& request, const ProgressFn& progress, const CancelToken* cancel) {
  CheckWorld(request);
  const at::Device device = ResolveDevice(request.device);
  std::error_code error;
  fs::create_directories(request.output, error);
  if (error) Fail("world: cannot make the folder {}: {}", request.output, error.message());
  const fs::path folder = request.output;
  CheckVideoTarget((folder / ClipName(request, request.seed)).string(), WorldSettings(request));
  const RunContext context{.progress = progress, .cancel = cancel, .device = device};
  Stage stage(context, "rendering", request.count, "clips");
  nlohmann::json list = nlohmann::json::array();
  for (int64_t i = 0; i < request.count; ++i) {
    const uint64_t seed = request.seed + static_cast<uint64_t>(i);
    const std::string name = ClipName(request, seed);
    const WorldScene scene = SampleScene(seed);
    WriteClip(scene, request, folder / name, device);
    list.push_back(EntryOf(scene, name));
    stage.Advance(i + 1);
  }
  WriteAtomically((folder / "captions.json").string(), list.dump(1) + "\n");
}

}  // namespace t3
