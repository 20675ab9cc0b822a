// Loading: checks first, then tensor by tensor from the mapped file to the device.
#include "nn/load.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/check.h"
#include "nn/scales.h"

namespace t3 {
namespace {

// The tensor to fill, or undefined if the weight gets memory of its own.
at::Tensor PlaceOf(const std::string& name, const TensorView& view, at::ScalarType dtype,
                   const LoadOptions& options) {
  if (!options.place) return {};
  const at::Tensor place = options.place(name, dtype);
  T3_CHECK(!place.defined() || (place.sizes() == at::IntArrayRef(view.shape) &&
                                place.scalar_type() == dtype && place.is_contiguous()),
           "loading {}: a place of shape ({}) {} for a weight of shape ({}) {}", name,
           fmt::join(place.sizes(), ", "), c10::toString(place.scalar_type()),
           fmt::join(view.shape, ", "), c10::toString(dtype));
  return place;
}

void CheckDTypes(const NamedViews& views, const TensorTable& table) {
  for (const TensorSpec& spec : table) {
    const DType dtype = views.tensors.at(spec.name).dtype;
    const bool scaled_integers = dtype == DType::kI8 && views.scales.contains(spec.name);
    T3_CHECK(IsFloat(dtype) || IsQuantised(dtype) || scaled_integers,
             "{}: {} is stored as {}, wanted a floating-point dtype, a GGUF type or int8 with a "
             "scale",
             views.path, views.stored.at(spec.name), DTypeName(dtype));
  }
}

// The largest magnitude; NaN if any element is NaN. One pass without a temporary.
double MaxMagnitude(const at::Tensor& weight) {
  if (weight.numel() == 0) return 0;
  const auto [low, high] = at::aminmax(weight);
  return at::stack({low, high}).to(at::kCPU, at::kFloat).abs().max().item<double>();
}

}  // namespace

void CheckComplete(const NamedViews& views, const TensorTable& table, const std::string& network) {
  const TensorDifferences differences = CompareWithTable(table, views.tensors);
  T3_CHECK(differences.none(), "{} is not a complete {}:\n{}", views.path, network,
           DescribeDifferences(differences));
  CheckDTypes(views, table);
  CheckScales(views, table, network);
}

void CheckFinite(const at::Tensor& weight, const NamedViews& views, const std::string& name) {
  if (std::isfinite(MaxMagnitude(weight))) return;
  const std::string& stored = views.stored.at(name);
  const double largest = MaxMagnitude(LoadStored(views.tensors.at(name), c10::kCPU, at::kFloat));
  T3_CHECK(std::isfinite(largest), "{}: the weight {} has NaN or infinity; the file is damaged",
           views.path, stored);
  Fail("{}: the weight {} does not fit {}: its values in the file reach {:.6g}{}; use bf16 or fp32",
       views.path, stored, DTypeName(ToDType(weight.scalar_type())), largest,
       views.scales.contains(name) ? " before they are scaled" : "");
}

at::Tensor LoadTensor(const NamedViews& views, const std::string& name, const LoraStack& loras,
                      const LoadOptions& options) {
  const TensorView& view = views.tensors.at(name);
  const at::ScalarType dtype = options.dtype_for ? options.dtype_for(name) : options.dtype;
  at::Tensor place = PlaceOf(name, view, dtype, options);
  const auto scale = views.scales.find(name);
  if (scale == views.scales.end() && !loras.Changes(name)) {
    if (!place.defined()) return LoadStored(view, options.device, dtype);
    CopyStored(view, place);
    return place;
  }
  at::Tensor weight = LoadStored(view, options.device, at::kFloat);
  if (scale != views.scales.end()) {
    ApplyScale(LoadStored(scale->second, options.device, at::kFloat), weight);
  }
  loras.AddTo(name, weight);
  return place.defined() ? place.copy_(weight) : weight.to(dtype);
}

Fp8Weight LoadFp8Weight(const NamedViews& views, const std::string& name, const LoraStack& loras,
                        const LoadOptions& options) {
  std::optional<Fp8Weight> weight;
  if (!loras.Changes(name)) weight = StoredFp8Weight(views, name, options.device);
  if (weight) {
    if (options.check_finite) {
      CheckFinite(weight->codes.to(at::kFloat), views, name);
      T3_CHECK(std::isfinite(MaxMagnitude(weight->scale)),
               "{}: the scale of {} has NaN or infinity; the file is damaged", views.path,
               views.stored.at(name));
    }
  } else {
    LoadOptions wide;
    wide.device = options.device;
    const at::Tensor numbers = LoadTensor(views, name, loras, wide);
    if (options.check_finite) CheckFinite(numbers, views, name);
    weight = QuantiseWeight(numbers);
  }
  const auto put = [&](const std::string& target, at::Tensor& tensor) {
    const at::Tensor place =
        options.place ? options.place(target, tensor.scalar_type()) : at::Tensor();
    if (place.defined()) tensor = place.copy_(tensor);
  };
  put(name, weight->codes);
  put(name + "_scale", weight->scale);
  return *weight;
}

at::ScalarType StoredType(const NamedViews& views, const TensorTable& table) {
  std::optional<DType> dtype;
  for (const TensorSpec& spec : table) {
    if (spec.fp32) continue;
    const auto found = views.tensors.find(spec.name);
    if (found == views.tensors.end() || views.scales.contains(spec.name)) return at::kFloat;
    const DType stored = found->second.dtype;
    if (stored != dtype.value_or(stored)) return at::kFloat;
    dtype = stored;
  }
  return dtype == DType::kBF16 || dtype == DType::kF16 ? ToScalarType(*dtype) : at::kFloat;
}

TensorMap LoadTensors(const NamedViews& views, const TensorTable& table, const Naming& naming,
                      const LoadOptions& options) {
  CheckComplete(views, table, naming.network);
  const LoraStack loras(options.loras, table, naming);
  int64_t total = 0;
  for (const TensorSpec& spec : table) total += views.tensors.at(spec.name).bytes;
  TensorMap tensors;
  int64_t done = 0;
  for (const TensorSpec& spec : table) {
    if (options.dtype_for && options.dtype_for(spec.name) == at::kFloat8_e4m3fn) {
      Fp8Weight weight = LoadFp8Weight(views, spec.name, loras, options);
      tensors.emplace(spec.name, std::move(weight.codes));
      tensors.emplace(spec.name + "_scale", std::move(weight.scale));
    } else {
      at::Tensor weight = LoadTensor(views, spec.name, loras, options);
      if (options.check_finite) CheckFinite(weight, views, spec.name);
      tensors.emplace(spec.name, std::move(weight));
    }
    done += views.tensors.at(spec.name).bytes;
    if (options.progress) options.progress(done, total);
  }
  return tensors;
}

}  // namespace t3
