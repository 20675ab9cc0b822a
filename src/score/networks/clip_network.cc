// ClipNetwork over its file.
#include "score/networks/clip_network.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "arch/clip.h"
#include "score/networks/clip_files.h"
#include "score/networks/frame_picture.h"
#include "score/networks/loaded_network.h"

namespace t3 {
namespace {

constexpr double kClipCodes = 255;

at::Tensor UnitRows(const at::Tensor& rows) { return rows / rows.norm(2, -1, /*keepdim=*/true); }

}  // namespace

at::Tensor ClipView(const Image& picture, int64_t side) {
  const int64_t shorter = std::min(picture.width, picture.height);
  const auto scaled = [&](int64_t size) { return side * size / shorter; };
  const Image resized = ResizeBicubic(picture, scaled(picture.width), scaled(picture.height));
  const auto begin = [&](int64_t size) {  // half to even
    return static_cast<int64_t>(std::nearbyint(static_cast<double>(size - side) / 2));
  };
  const at::Tensor square = TensorOf(resized)
                                .narrow(1, begin(resized.height), side)
                                .narrow(2, begin(resized.width), side);
  return (square.to(at::kFloat) / kClipCodes - ClipMean()) / ClipStd();
}

std::shared_ptr<const ClipNetwork> ClipNetwork::Open(const std::string& path, c10::Device device) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<const ClipNetwork>> opened;
  const std::lock_guard lock(mutex);
  std::weak_ptr<const ClipNetwork>& known = opened[fmt::format("{} {}", device.str(), path)];
  if (auto network = known.lock()) return network;
  auto loaded = LoadNetwork(path, ClipNaming(), ReadClipConfig, ClipTensors, device);
  const ClipFiles files = FindClipFiles(path);
  loaded.config.quick_gelu = files.quick_gelu;
  std::shared_ptr<const ClipNetwork> network(
      new ClipNetwork(ClipModel(loaded.config, loaded.tensors),
                      ClipTokenizer(files.merges, loaded.config.vocab_size)));
  known = network;
  return network;
}

at::Tensor ClipNetwork::Images(const std::vector<at::Tensor>& views) const {
  return UnitRows(clip_.EncodeImages(at::stack(views)).to(at::kCPU));
}

at::Tensor ClipNetwork::Text(const std::string& prompt) const {
  const std::vector<int32_t> ids = tokenizer_.Encode(prompt, clip_.config().context);
  return UnitRows(clip_.EncodeText(ids).to(at::kCPU));
}

}  // namespace t3
