// Loading: checks first, then tensor by tensor from the mapped file to the device.
#include "nn/load.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/lost_pages.h"
#include "nn/scales.h"

namespace t3 {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 12> kScalarTypes{{
    {DType::kF64, at::kDouble},
    {DType::kF32, at::kFloat},
    {DType::kF16, at::kHalf},
    {DType::kBF16, at::kBFloat16},
    {DType::kF8E4M3, at::kFloat8_e4m3fn},
    {DType::kF8E5M2, at::kFloat8_e5m2},
    {DType::kI64, at::kLong},
    {DType::kI32, at::kInt},
    {DType::kI16, at::kShort},
    {DType::kI8, at::kChar},
    {DType::kU8, at::kByte},
    {DType::kBool, at::kBool},
}};

// Large enough for full copy speed, small beside any network.
constexpr int64_t kChunkBytes = int64_t{64} << 20;

// Elements [first, first + count) of `view` as a flat CPU tensor that aliases the file if its
// alignment allows.
at::Tensor Slice(const TensorView& view, int64_t first, int64_t count) {
  const int64_t item = DTypeSize(view.dtype);
  const at::ScalarType type = ToScalarType(view.dtype);
  const std::byte* start = view.data + first * item;
  if (reinterpret_cast<uintptr_t>(start) % static_cast<uintptr_t>(item) != 0) {
    at::Tensor copy = at::empty({count}, type);
    std::memcpy(copy.data_ptr(), start, static_cast<size_t>(count * item));
    return copy;
  }
  // from_blob takes a mutable pointer; nothing writes through it.
  return at::from_blob(const_cast<std::byte*>(start), {count}, at::TensorOptions(type));
}

void CopyInto(const at::Tensor& result, const TensorView& view) {
  const at::Tensor flat = result.view({-1});
  const int64_t total = view.elements();
  const int64_t step = kChunkBytes / DTypeSize(view.dtype);
  for (int64_t first = 0; first < total; first += step) {
    const int64_t count = std::min(step, total - first);
    flat.narrow(0, first, count).copy_(Slice(view, first, count));
  }
  CheckMappedFiles();
}

at::Tensor CopyTo(const TensorView& view, c10::Device device, at::ScalarType dtype) {
  at::Tensor result = at::empty(view.shape, at::TensorOptions(dtype).device(device));
  CopyInto(result, view);
  return result;
}

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
    T3_CHECK(dtype <= DType::kF8E5M2, "{}: {} is stored as {}, wanted a floating-point dtype",
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

at::ScalarType ToScalarType(DType dtype) { return kScalarTypes[static_cast<size_t>(dtype)].second; }

DType ToDType(at::ScalarType type) {
  for (const auto& [dtype, scalar] : kScalarTypes) {
    if (scalar == type) return dtype;
  }
  Fail("tensors of dtype {} cannot be stored", c10::toString(type));
}

at::Tensor ToTensor(const TensorView& view) {
  return CopyTo(view, c10::kCPU, ToScalarType(view.dtype));
}

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
  const double largest = MaxMagnitude(CopyTo(views.tensors.at(name), c10::kCPU, at::kFloat));
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
    if (!place.defined()) return CopyTo(view, options.device, dtype);
    CopyInto(place, view);
    return place;
  }
  at::Tensor weight = CopyTo(view, options.device, at::kFloat);
  if (scale != views.scales.end()) {
    weight.mul_(CopyTo(scale->second, options.device, at::kFloat)
                    .view(ScaleShape(scale->second, view.shape).value()));
  }
  loras.AddTo(name, weight);
  return place.defined() ? place.copy_(weight) : weight.to(dtype);
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
    at::Tensor weight = LoadTensor(views, spec.name, loras, options);
    if (options.check_finite) CheckFinite(weight, views, spec.name);
    tensors.emplace(spec.name, std::move(weight));
    done += views.tensors.at(spec.name).bytes;
    if (options.progress) options.progress(done, total);
  }
  return tensors;
}

}  // namespace t3
