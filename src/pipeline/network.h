// A weight file recognised: which network it holds, under which names, of which sizes.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "config/model_config.h"

namespace t3 {

enum class NetworkKind { kDit, kTextEncoder, kVae };

std::string_view NetworkName(NetworkKind kind);  // "DiT", "text encoder", "VAE"

// How the files of a network are named. For the VAE of the version that `stored` has.
const Naming& NamingOf(NetworkKind kind, const TensorViews& stored);

// The networks whose signature tensors are in the file; combined ComfyUI files hold several.
std::vector<NetworkKind> FindNetworks(const std::shared_ptr<const WeightFile>& file);

struct Network {
  NetworkKind kind = NetworkKind::kDit;
  NamedViews views;
  TensorTable table;             // what a network of these sizes has
  Metadata metadata;             // t3.* entries that tell what tensors do not
  nlohmann::ordered_json sizes;  // the configuration, for reports
  std::string preset;            // of the same sizes; empty when there is none
};

// Reads the sizes of one network of the file, with the config.json beside it where there is one.
// Throws Error when a tensor is missing that tells a size.
Network OpenNetwork(const std::shared_ptr<const WeightFile>& file, NetworkKind kind);

}  // namespace t3
