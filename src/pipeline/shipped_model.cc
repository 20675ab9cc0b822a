// The shipped model's own limits; its t3.json has the numbers.
#include "pipeline/shipped_model.h"

#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "loading/model_paths.h"
#include "runtime/shipped_files.h"

namespace t3 {
namespace {

bool IsShipped(const ModelInfo& model) {
  try {
    std::error_code ignored;
    return !model.paths.folder.empty() &&
           std::filesystem::equivalent(model.paths.folder, DemoModelFolder(), ignored);
  } catch (const Error&) {  // none is installed
    return false;
  }
}

double Aspect(int64_t width, int64_t height) {
  return static_cast<double>(width) / static_cast<double>(height);
}

}  // namespace

std::vector<std::string> ShippedModelNotes(const ModelInfo& model, const Job& job) {
  if (!IsShipped(model)) return {};
  const GenerationDefaults& trained = model.defaults;
  const VideoGeometry& video = job.geometry;
  std::vector<std::string> notes{
      "the shipped model knows one synthetic world: the sea, the mountains, the city or the "
      "desert, with a balloon, airship, bird, boat or car; `t3 help demo` shows how to write for "
      "it"};
  if (video.frames > trained.frames) {
    notes.push_back(fmt::format("it was trained with {} frames: {} will look wrong", trained.frames,
                                video.frames));
  }
  constexpr double kTolerance = 1.15;
  const double ratio = Aspect(video.width, video.height) / Aspect(trained.width, trained.height);
  if (std::max(ratio, 1 / ratio) > kTolerance) {
    notes.push_back(fmt::format("it was trained at the aspect of {}x{}: {}x{} will look wrong",
                                trained.width, trained.height, video.width, video.height));
  }
  return notes;
}

}  // namespace t3
