// The configuration of t3 init: sizes of the networks, from a preset or a JSON file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "config/attention.h"
#include "config/model_config.h"

namespace t3 {

struct InitConfig {
  std::optional<DitConfig> dit;
  std::optional<TextEncoderConfig> text;
  std::optional<VaeConfig> vae;
  std::optional<TaehvConfig> taehv;
  AttentionPattern attention = AttentionPattern::kFull;
  std::string windows;    // "t,h,w;...", or empty for the planner's
  std::string tokenizer;  // sentencepiece model to copy, or empty
};

// A preset's name, or the path of a CONFIG.json (docs/reference/init.md). Throws Error of kind
// kUsage for an unknown preset, Error for a field that is unknown or does not fit.
InitConfig ReadInitConfig(const std::string& model);
// Relative paths in it are relative to `folder`; `source` names it in messages.
InitConfig ParseInitConfig(const nlohmann::json& document, const std::string& folder,
                           const std::string& source);

}  // namespace t3
