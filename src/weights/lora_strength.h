// The strength of a LoRA as its writer recorded it outside of the tensors.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weights/weight_file.h"

namespace t3 {

// What one source says: a PEFT configuration or plain entries of the header.
struct LoraSource {
  std::string name;  // for messages: "adapter_config.json", "metadata ss_network_alpha"
  std::optional<double> alpha;
  std::optional<int64_t> rank;
  bool rank_stabilised = false;  // alpha / sqrt(rank) instead of alpha / rank
  // Exceptions by module: full names where `anchored`, else full names or their last parts.
  struct Pattern {
    std::string module;
    bool anchored;
    double value;
  };
  std::vector<Pattern> alphas;
  std::vector<Pattern> ranks;
};

// adapter_config.json (PEFT) beside the LoRA `path`; "" where there is none.
std::string AdapterConfigBeside(const std::string& path);

class LoraStrength {
 public:
  // Reads the metadata of `file` (diffusers' lora_adapter_metadata, kohya's ss_network_alpha, plain
  // lora_alpha and rank, ...) and adapter_config.json beside it. Throws Error for values of the
  // wrong type, for patterns that are regular expressions and for adapters other than LoRA.
  static LoraStrength Read(const WeightFile& file);

  // How often the product of the factors of `module`, of this rank, counts; 1 where nothing is
  // recorded. Throws Error where sources contradict each other or name another rank.
  double Factor(std::string_view module, int64_t rank) const;

 private:
  std::string path_;
  std::vector<LoraSource> sources_;
};

}  // namespace t3
