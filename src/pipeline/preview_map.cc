// Fitting and keeping preview maps.
#include "pipeline/preview_map.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/check.h"
#include "pipeline/cache_folder.h"
#include "pipeline/file_digest.h"
#include "pipeline/load_models.h"
#include "pipeline/preview_pictures.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

// Every fourth picture tests the fit.
constexpr int64_t kTestEvery = 4;

// Latents and colours of one picture (3,H,W): (n,z) and (n,3).
struct Samples {
  at::Tensor latents;
  at::Tensor colours;
};

Samples SamplesOf(const Vae& encoder, const Vae& decoder, const at::Tensor& picture) {
  const at::Tensor latents = encoder.Encode(picture.unsqueeze(1));  // (z,1,h,w)
  const at::Tensor frame = decoder.Decode(latents).select(1, 0);    // (3,H,W)
  const at::Tensor colours = at::adaptive_avg_pool2d(frame, {latents.size(2), latents.size(3)});
  return {latents.flatten(1).t().cpu().to(at::kDouble),
          colours.flatten(1).t().cpu().to(at::kDouble)};
}

Samples Join(const std::vector<Samples>& all, bool test) {
  std::vector<at::Tensor> latents;
  std::vector<at::Tensor> colours;
  for (size_t i = 0; i < all.size(); ++i) {
    if ((i % kTestEvery == kTestEvery - 1) != test) continue;
    latents.push_back(all[i].latents);
    colours.push_back(all[i].colours);
  }
  return {at::cat(latents), at::cat(colours)};
}

double Explained(const PreviewMap& map, const Samples& samples) {
  const at::Tensor guess = samples.latents.matmul(map.matrix.t()) + map.bias;
  const double error = (guess - samples.colours).square().sum().item<double>();
  const double variance = (samples.colours - samples.colours.mean(0)).square().sum().item<double>();
  return variance > 0 ? 1 - error / variance : 0;
}

std::string CachePath(const std::string& vae_digest) {
  const std::string folder = CacheFolder();
  if (folder.empty()) return "";
  return fmt::format("{}/preview-{}.json", folder, TextDigest(vae_digest).substr(0, 16));
}

// nullopt where there is none of this VAE; Error where the file is damaged.
std::optional<PreviewMap> ReadPreviewMap(const std::string& path, const std::string& vae_digest,
                                         int64_t channels) {
  std::ifstream file(path);
  if (!file.good()) return std::nullopt;
  try {
    const ordered_json document = ordered_json::parse(file);
    if (document.at("vae") != vae_digest) return std::nullopt;
    const auto bias = document.at("bias").get<std::vector<double>>();
    const auto rows = document.at("matrix").get<std::vector<std::vector<double>>>();
    T3_CHECK(rows.size() == 3 && bias.size() == 3, "{}: wanted three rows and three biases", path);
    PreviewMap map;
    std::vector<at::Tensor> tensors;
    for (const std::vector<double>& row : rows) {
      T3_CHECK(static_cast<int64_t>(row.size()) == channels, "{}: a row has {} values, wanted {}",
               path, row.size(), channels);
      tensors.push_back(at::tensor(row, at::kDouble));
    }
    map.matrix = at::stack(tensors);
    map.bias = at::tensor(bias, at::kDouble);
    map.r2 = document.at("r2").get<double>();
    map.vae = vae_digest;
    return map;
  } catch (const nlohmann::json::exception& error) {
    Fail("{} is no preview map ({}); remove it, or make it anew with `t3 fit-preview`", path,
         error.what());
  }
}

std::vector<double> ToVector(const at::Tensor& tensor) {
  const at::Tensor data = tensor.contiguous();
  return {data.const_data_ptr<double>(), data.const_data_ptr<double>() + data.numel()};
}

}  // namespace

at::Tensor PreviewMap::Apply(const at::Tensor& latents) const {
  const at::TensorOptions options = latents.options().dtype(at::kFloat);
  const at::Tensor colours =
      matrix.to(options).matmul(latents.to(at::kFloat).flatten(1)) + bias.to(options).unsqueeze(1);
  return colours.clamp(-1, 1).view({3, latents.size(1), latents.size(2)});
}

PreviewMap SolvePreview(const at::Tensor& latents, const at::Tensor& colours) {
  T3_CHECK(latents.dim() == 2 && colours.dim() == 2 && latents.size(0) == colours.size(0) &&
               latents.size(0) > latents.size(1) && colours.size(1) == 3,
           "preview: latents ({}) and colours ({}); wanted (n,z) and (n,3) with n > z",
           fmt::join(latents.sizes(), ","), fmt::join(colours.sizes(), ","));
  // Normal equations with a trace of ridge, for channels that say the same.
  constexpr double kRidge = 1e-6;
  const at::Tensor x =
      at::cat({latents.to(at::kDouble), at::ones({latents.size(0), 1}, at::kDouble)}, 1);
  at::Tensor gram = x.t().matmul(x) / static_cast<double>(x.size(0));
  gram = gram + at::eye(gram.size(0), gram.options()) * (gram.diagonal().mean() * kRidge);
  const at::Tensor target = x.t().matmul(colours.to(at::kDouble)) / static_cast<double>(x.size(0));
  const at::Tensor solution = at::linalg_solve(gram, target).t();  // (3, z + 1)
  PreviewMap map;
  map.matrix = solution.narrow(1, 0, latents.size(1)).contiguous();
  map.bias = solution.select(1, latents.size(1)).contiguous();
  return map;
}

PreviewMap FitPreviewMap(const ModelInfo& model, const std::string& pictures,
                         const RunContext& context) {
  const c10::NoGradGuard no_grad;
  CheckVae(model);
  const std::vector<at::Tensor> images = pictures.empty()
                                             ? DrawPictures(model.vae->spatial_stride())
                                             : ReadPictures(pictures, model.vae->spatial_stride());
  const Vae encoder = LoadVae(model, VaeHalf::kEncoder, at::kFloat, context);
  const Vae decoder = LoadVae(model, VaeHalf::kDecoder, at::kFloat, context);
  Stage stage(context, "fitting the preview", std::ssize(images), "pictures");
  std::vector<Samples> samples;
  for (const at::Tensor& image : images) {
    samples.push_back(SamplesOf(encoder, decoder, image));
    stage.Advance(std::ssize(samples));
  }
  const Samples fitted = Join(samples, false);
  PreviewMap map = SolvePreview(fitted.latents, fitted.colours);
  map.r2 = Explained(map, Join(samples, true));
  map.vae = FileDigest(model.paths.vae);
  map.source = pictures.empty() ? "drawn pictures" : pictures;
  return map;
}

void WritePreviewMap(const std::string& path, const PreviewMap& map) {
  ordered_json document{{"vae", map.vae},
                        {"source", map.source},
                        {"r2", map.r2},
                        {"matrix", ordered_json::array()},
                        {"bias", ToVector(map.bias)}};
  for (int64_t row = 0; row < 3; ++row) document["matrix"].push_back(ToVector(map.matrix[row]));
  AtomicFile target(path);
  std::ofstream file(target.temporary());
  file << document.dump(1) << '\n';
  file.close();
  T3_CHECK(file.good(), "cannot write {}", path);
  target.Commit();
}

PreviewMap LoadPreviewMap(const ModelInfo& model, const RunContext& context) {
  CheckVae(model);
  const std::string digest = FileDigest(model.paths.vae);
  const std::string own = model.paths.folder.empty() ? "" : model.paths.folder + "/preview.json";
  const std::string cached = CachePath(digest);
  for (const std::string& path : {own, cached}) {
    if (path.empty()) continue;
    if (auto map = ReadPreviewMap(path, digest, model.vae->latent_channels)) return *map;
  }
  const PreviewMap map = FitPreviewMap(model, "", context);
  if (!cached.empty()) WritePreviewMap(cached, map);
  return map;
}

Report FitPreview(const ModelFiles& files, const RunOptions& options, const std::string& pictures,
                  const std::string& output, const ProgressFn& progress) {
  const ModelInfo model = OpenModel(files);
  if (output.empty() && model.paths.folder.empty())
    FailUsage("the model has no folder for preview.json; give --output FILE");
  const std::string path = output.empty() ? model.paths.folder + "/preview.json" : output;
  { const AtomicFile writable(path); }
  const RunContext context{progress, nullptr, ResolveDevice(options.device)};
  const PreviewMap map = FitPreviewMap(model, pictures, context);
  WritePreviewMap(path, map);
  return {fmt::format("{}  fitted to {}; explains {:.1f} % of the colours of pictures it was not "
                      "fitted to\n",
                      path, map.source, 100 * map.r2),
          ordered_json{{"file", path}, {"source", map.source}, {"r2", map.r2}}.dump()};
}

}  // namespace t3
