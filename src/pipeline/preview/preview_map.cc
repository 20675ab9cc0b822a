// Fitting, storing and finding preview maps.
#include "pipeline/preview/preview_map.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/extension.h"
#include "base/failure.h"
#include "base/file_claims.h"
#include "base/json.h"
#include "base/log.h"
#include "loading/load_models.h"
#include "pipeline/existing_files.h"
#include "pipeline/preview/preview_clips.h"
#include "pipeline/run_files.h"
#include "runtime/cache_folder.h"
#include "runtime/device.h"
#include "runtime/file_digest.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// Of so many clips, one tests the fit.
constexpr size_t kTestEvery = 4;

// Latents and the colours that they decode to: (n,z) and (n,3).
struct Samples {
  at::Tensor latents;
  at::Tensor colours;
};

// Of one clip, which has at least two latent frames.
struct ClipSamples {
  Samples first;
  Samples later;
};

Samples Rows(const at::Tensor& latents, const at::Tensor& colours) {
  return {latents.flatten(1).t().cpu().to(at::kDouble),
          colours.flatten(1).t().cpu().to(at::kDouble)};
}

ClipSamples SamplesOf(const Vae& encoder, const Vae& decoder, const at::Tensor& clip) {
  const at::Tensor latents = encoder.Encode(clip);    // (z,T,h,w)
  const at::Tensor frames = decoder.Decode(latents);  // (3,4(T-1)+1,H,W)
  const int64_t later = latents.size(1) - 1;
  // Latent frame t > 0 stands for frames 4t-3 to 4t.
  const at::Tensor fours =
      frames.narrow(1, 1, 4 * later).unflatten(1, {later, 4}).mean(2);  // (3,T-1,H,W)
  const at::Tensor colours = at::adaptive_avg_pool2d(at::cat({frames.narrow(1, 0, 1), fours}, 1),
                                                     {latents.size(2), latents.size(3)});
  return {Rows(latents.narrow(1, 0, 1), colours.narrow(1, 0, 1)),
          Rows(latents.narrow(1, 1, later), colours.narrow(1, 1, later))};
}

Samples Join(const std::vector<ClipSamples>& clips, Samples ClipSamples::*kind, bool test) {
  const size_t every = std::min(kTestEvery, clips.size());
  std::vector<at::Tensor> latents;
  std::vector<at::Tensor> colours;
  for (size_t i = 0; i < clips.size(); ++i) {
    if ((i % every == every - 1) != test) continue;
    latents.push_back((clips[i].*kind).latents);
    colours.push_back((clips[i].*kind).colours);
  }
  return {at::cat(latents), at::cat(colours)};
}

double Explained(const ColourMap& map, const Samples& samples) {
  const at::Tensor guess = samples.latents.matmul(map.matrix.t()) + map.bias;
  const double error = (guess - samples.colours).square().sum().item<double>();
  const double variance = (samples.colours - samples.colours.mean(0)).square().sum().item<double>();
  return variance > 0 ? 1 - error / variance : 0;
}

ColourMap Fit(const std::vector<ClipSamples>& clips, Samples ClipSamples::*kind) {
  const Samples fitted = Join(clips, kind, /*test=*/false);
  ColourMap map = SolveColours(fitted.latents, fitted.colours);
  map.r2 = Explained(map, Join(clips, kind, /*test=*/true));
  return map;
}

std::string CachePath(const std::string& vae_digest) {
  const std::string folder = CacheFolder();
  if (folder.empty()) return "";
  return fmt::format("{}/preview-{}.json", folder, TextDigest(vae_digest).substr(0, 16));
}

at::Tensor RowFrom(const json& row, int64_t count) {
  T3_CHECK(row.is_array() && static_cast<int64_t>(row.size()) == count, "wanted rows of {} numbers",
           count);
  std::vector<double> values;
  for (const json& value : row) {
    T3_CHECK(value.is_number() && std::isfinite(value.get<double>()), "{} is not a number",
             value.dump());
    values.push_back(value.get<double>());
  }
  return at::tensor(values, at::kDouble);
}

ColourMap ColourMapFrom(const json& object, int64_t channels) {
  T3_CHECK(object.is_object() && object.contains("matrix") && object.contains("bias") &&
               object.contains("r2") && object["r2"].is_number(),
           "wanted matrix, bias and r2");
  const json& rows = object["matrix"];
  T3_CHECK(rows.is_array() && rows.size() == 3, "wanted a matrix of three rows");
  std::vector<at::Tensor> tensors;
  for (const json& row : rows) tensors.push_back(RowFrom(row, channels));
  return {at::stack(tensors), RowFrom(object["bias"], 3), object["r2"].get<double>()};
}

// nullopt where the file does not exist or belongs to another VAE; a damaged one is a warning.
std::optional<PreviewMap> ReadPreviewMap(const std::string& path, const std::string& vae_digest,
                                         int64_t channels) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return std::nullopt;
  try {
    const json document = ReadJson(path);
    T3_CHECK(document.is_object() && document.contains("vae"), "wanted an object with \"vae\"");
    if (document["vae"] != vae_digest) return std::nullopt;
    T3_CHECK(document.contains("later"), "it is of an earlier version, for first frames only");
    PreviewMap map;
    map.first = ColourMapFrom(document, channels);
    map.later = ColourMapFrom(document["later"], channels);
    map.vae = vae_digest;
    return map;
  } catch (const std::exception& error) {
    spdlog::warn("the preview map {} cannot be used ({}); another one is fitted", path,
                 error.what());
    return std::nullopt;
  }
}

bool IsPreviewMap(const std::string& path) {
  try {
    const json document = ReadJson(path);
    return document.is_object() && document.contains("vae") && document.contains("matrix");
  } catch (const Error&) {
    return false;
  }
}

std::vector<double> ToVector(const at::Tensor& tensor) {
  const at::Tensor data = tensor.contiguous();
  return {data.const_data_ptr<double>(), data.const_data_ptr<double>() + data.numel()};
}

void AddTo(ordered_json& object, const ColourMap& map) {
  object["r2"] = map.r2;
  object["matrix"] = ordered_json::array();
  for (int64_t row = 0; row < 3; ++row) object["matrix"].push_back(ToVector(map.matrix[row]));
  object["bias"] = ToVector(map.bias);
}

PreviewMap FindOrFit(const ModelInfo& model, const RunContext& context) {
  CheckVae(model);
  const std::string digest = FileDigest(model.paths.vae);
  const std::string own = model.paths.folder.empty() ? "" : model.paths.folder + "/preview.json";
  const std::string cached = CachePath(digest);
  for (const std::string& path : {own, cached}) {
    if (auto map = ReadPreviewMap(path, digest, model.vae->latent_channels)) return *map;
  }
  PreviewMap map = FitPreviewMap(model, "", context);
  if (cached.empty()) return map;
  try {
    WritePreviewMap(cached, map);
  } catch (const std::exception& error) {
    spdlog::warn("the preview map cannot be cached: {}", error.what());
  }
  return map;
}

}  // namespace

at::Tensor ColourMap::Apply(const at::Tensor& latents) const {
  const at::TensorOptions options = latents.options().dtype(at::kFloat);
  const at::Tensor colours =
      matrix.to(options).matmul(latents.to(at::kFloat).flatten(1)) + bias.to(options).unsqueeze(1);
  return colours.clamp(-1, 1).view({3, latents.size(1), latents.size(2)});
}

ColourMap SolveColours(const at::Tensor& latents, const at::Tensor& colours) {
  T3_CHECK(latents.dim() == 2 && colours.dim() == 2 && latents.size(0) == colours.size(0) &&
               latents.size(0) > latents.size(1) && colours.size(1) == 3,
           "preview: latents ({}) and colours ({}); wanted (n,z) and (n,3) with n > z",
           fmt::join(latents.sizes(), ","), fmt::join(colours.sizes(), ","));
  // Normal equations with a slight ridge, for channels that are linearly dependent.
  constexpr double kRidge = 1e-6;
  const at::Tensor x =
      at::cat({latents.to(at::kDouble), at::ones({latents.size(0), 1}, at::kDouble)}, 1);
  at::Tensor gram = x.t().matmul(x) / static_cast<double>(x.size(0));
  gram = gram + at::eye(gram.size(0), gram.options()) * (gram.diagonal().mean() * kRidge);
  const at::Tensor target = x.t().matmul(colours.to(at::kDouble)) / static_cast<double>(x.size(0));
  const at::Tensor solution = at::linalg_solve(gram, target).t();  // (3, z + 1)
  ColourMap map;
  map.matrix = solution.narrow(1, 0, latents.size(1)).contiguous();
  map.bias = solution.select(1, latents.size(1)).contiguous();
  return map;
}

PreviewMap FitPreviewMap(const ModelInfo& model, const std::string& pictures,
                         const RunContext& context) {
  const c10::NoGradGuard no_grad;
  CheckVae(model);
  const int64_t stride = model.vae->spatial_stride();
  const std::vector<at::Tensor> clips =
      pictures.empty() ? DrawClips(stride) : ReadClips(pictures, stride);
  const Vae encoder = LoadVae(model, VaeHalf::kEncoder, at::kFloat, context);
  const Vae decoder = LoadVae(model, VaeHalf::kDecoder, at::kFloat, context);
  Stage stage(context, "fitting the preview", std::ssize(clips), "clips");
  std::vector<ClipSamples> samples;
  for (const at::Tensor& clip : clips) {
    samples.push_back(SamplesOf(encoder, decoder, clip));
    stage.Advance(std::ssize(samples));
  }
  PreviewMap map;
  map.first = Fit(samples, &ClipSamples::first);
  map.later = Fit(samples, &ClipSamples::later);
  map.vae = FileDigest(model.paths.vae);
  map.source = pictures.empty() ? "drawn clips" : pictures;
  return map;
}

void WritePreviewMap(const std::string& path, const PreviewMap& map) {
  ordered_json document{{"vae", map.vae}, {"source", map.source}};
  AddTo(document, map.first);
  document["later"] = ordered_json::object();
  AddTo(document["later"], map.later);
  WriteAtomically(path, DumpJson(document, 1) + "\n");
}

std::optional<PreviewMap> LoadPreviewMap(const ModelInfo& model, const RunContext& context) {
  try {
    return FindOrFit(model, context);
  } catch (...) {
    const Error error = CurrentError();
    if (error.kind() == ErrorKind::kInterrupted) throw;
    spdlog::warn("the run has no preview: {}", error.what());
  }
  return std::nullopt;
}

PreviewFit FitPreview(const ModelFiles& files, const RunOptions& options,
                      const std::string& pictures, const std::string& output,
                      const ProgressFn& progress, const CancelToken* cancel, bool overwrite) {
  const ModelInfo model = OpenModel(files);
  if (output.empty() && model.paths.folder.empty())
    FailUsage("the model has no folder for preview.json; name an output file");
  const std::string path = output.empty() ? model.paths.folder + "/preview.json" : output;
  CheckExtension("`output`", path, ".json");
  FileClaims claims;
  ClaimModelFiles(model, claims);
  claims.Read("the pictures", pictures);
  claims.Write("`output`", path);
  CheckReplaceable(path, overwrite, IsPreviewMap);
  { const AtomicFile writable(path); }
  const RunContext context{progress, cancel, ResolveDevice(options.device)};
  const PreviewMap map = FitPreviewMap(model, pictures, context);
  WritePreviewMap(path, map);
  return {path, map.source, map.first.r2, map.later.r2};
}

}  // namespace t3
