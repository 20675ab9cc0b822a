// Progress of loading, and parts of files.
#include "loading/load_stage.h"

namespace t3 {

TensorMap LoadStage(const std::string& name, const NamedViews& views, const TensorTable& table,
                    const Naming& naming, LoadOptions options, const RunContext& context) {
  Stage stage(context, name, 0, "bytes");
  options.progress = [&](int64_t done, int64_t total) {
    stage.set_total(total);
    stage.Advance(done);
  };
  return LoadTensors(views, table, naming, options);
}

NamedViews ViewsOf(const NamedViews& whole, const TensorTable& table) {
  NamedViews views = whole;
  views.tensors.clear();
  views.scales.clear();
  for (const TensorSpec& spec : table) {
    const auto found = whole.tensors.find(spec.name);
    if (found != whole.tensors.end()) views.tensors.insert(*found);
    const auto scale = whole.scales.find(spec.name);
    if (scale != whole.scales.end()) views.scales.insert(*scale);
  }
  return views;
}

}  // namespace t3
