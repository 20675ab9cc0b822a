// A weight file recognised: which network it holds, under which names, of which sizes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "config/model_config.h"
#include "t3video/inspect.h"

namespace t3 {

enum class NetworkKind { kDit, kTextEncoder, kVae };

std::string_view NetworkName(NetworkKind kind);  // "DiT", "text encoder", "VAE"

// The naming rules of a network's files; for the VAE, those of the version in `stored`.
const Naming& NamingOf(NetworkKind kind, const TensorViews& stored);

// The networks whose signature tensors are in the file; combined ComfyUI files hold several.
std::vector<NetworkKind> FindNetworks(const std::shared_ptr<const WeightFile>& file);

struct Network {
  NetworkKind kind = NetworkKind::kDit;
  NamedViews views;
  TensorTable table;             // the tensors of a network of these sizes
  Metadata metadata;             // t3.* entries for what the tensors do not imply
  std::vector<SizeField> sizes;  // the configuration, for reports
  std::string preset;            // of the same sizes; empty when there is none
};

// Reads the sizes of one network of the file, and config.json beside it if there is one.
// Throws Error when a tensor that implies a size is missing.
Network OpenNetwork(const std::shared_ptr<const WeightFile>& file, NetworkKind kind);

}  // namespace t3
