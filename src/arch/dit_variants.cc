// The variants, as data.
#include "arch/dit_variants.h"

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace t3 {
namespace {

struct Variant {
  std::string_view mark;
  std::string_view what;
};

// Parts of tensors' names.
constexpr Variant kByTensor[] = {
    {".proj_l.", "needs sparse-linear attention (TurboDiffusion's SLA)"},
    {"delta_embedder.", "needs a second timestep embedder (AnyFlow's flow maps)"},
    {".r_embedder.", "needs a second timestep embedder (flow maps)"},
    {".step_embedder.", "needs an embedder of step sizes"},
    {".dt_embedder.", "needs an embedder of step sizes"},
};

bool IsCausalClass(const nlohmann::json* config) {
  if (config == nullptr || !config->is_object()) return false;
  const auto name = config->find("_class_name");
  return name != config->end() && name->is_string() &&
         name->get_ref<const std::string&>().find("Causal") != std::string::npos;
}

}  // namespace

void RefuseOtherDits(const NamedViews& views, const nlohmann::json* config) {
  constexpr std::string_view kInstead = "use the full-attention model that it was made from";
  for (const auto& [mark, what] : kByTensor) {
    for (const auto& [name, stored] : views.stored) {
      T3_CHECK(stored.find(mark) == std::string::npos, "{} {}, which t3 does not have ({}); {}",
               views.path, what, stored, kInstead);
    }
  }
  T3_CHECK(!IsCausalClass(config),
           "{} needs block-causal attention, which t3 does not have (_class_name of its "
           "config.json); {}",
           views.path, kInstead);
}

}  // namespace t3
