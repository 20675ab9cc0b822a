// The LAION head's table.
#include "arch/aesthetic_head.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"

namespace t3 {
namespace {

// Layers of dropout are counted in between.
constexpr std::array<int64_t, kAestheticLayers> kAestheticIndices{0, 2, 4, 6, 7};

}  // namespace

std::string AestheticLayer(size_t layer) {
  return fmt::format("layers.{}", kAestheticIndices.at(layer));
}

TensorTable AestheticTensors(const AestheticConfig& config) {
  TensorTable table;
  for (size_t i = 0; i < kAestheticLayers; ++i) {
    const std::string layer = AestheticLayer(i);
    table.push_back({layer + ".weight", {config.widths.at(i + 1), config.widths.at(i)}});
    table.push_back({layer + ".bias", {config.widths.at(i + 1)}});
  }
  return table;
}

const Naming& AestheticNaming() {
  static const Naming naming{.network = "LAION aesthetic head",
                             .prefixes = {"mlp.", "module."},
                             .foreign = {},
                             .extras = {},
                             .rules = {{"layers.#", "layers.#", "original"}}};
  return naming;
}

AestheticConfig ReadAestheticConfig(const NamedViews& views) {
  T3_CHECK(views.tensors.contains("layers.0.weight"),
           "{} does not hold the LAION aesthetic head; wanted sac+logos+ava1-l14-linearMSE.pth",
           views.path);
  AestheticConfig config{{SizeOf(views.tensors, "layers.0.weight", 1, "LAION aesthetic head")}};
  for (size_t i = 0; i < kAestheticLayers; ++i) {
    config.widths.push_back(
        SizeOf(views.tensors, AestheticLayer(i) + ".weight", 0, "LAION aesthetic head"));
  }
  T3_CHECK(config.widths.back() == 1, "{}: the LAION aesthetic head gives {} values, wanted one",
           views.path, config.widths.back());
  return config;
}

}  // namespace t3
