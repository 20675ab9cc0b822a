// Loads a network that scores videos from its file.
#pragma once

#include <string>

#include "arch/naming.h"
#include "nn/load.h"
#include "weights/weight_file.h"

namespace t3 {

template <typename Config>
struct LoadedNetwork {
  Config config;
  TensorMap tensors;  // fp32
};

// `read` and `table` are those of the network in src/arch. Throws Error that names the file where
// it holds another network, or lacks tensors of this one.
template <typename Config>
LoadedNetwork<Config> LoadNetwork(const std::string& path, const Naming& naming,
                                  Config (*read)(const NamedViews&),
                                  TensorTable (*table)(const Config&), c10::Device device) {
  const NamedViews views = NameTensors(WeightFile::Open(path), naming);
  const Config config = read(views);
  LoadOptions options;
  options.device = device;
  return {config, LoadTensors(views, table(config), naming, options)};
}

}  // namespace t3
