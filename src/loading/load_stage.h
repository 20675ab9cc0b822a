// Loading the tensors of one network as a stage of a run.
#pragma once

#include <string>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "nn/load.h"
#include "nn/tensor_map.h"
#include "runtime/stage.h"

namespace t3 {

// LoadTensors with the progress of the stage `name` in bytes.
TensorMap LoadStage(const std::string& name, const NamedViews& views, const TensorTable& table,
                    const Naming& naming, LoadOptions options, const RunContext& context);

// The tensors of `table` among those of a file: a half that a run needs, so that the other is not
// read.
NamedViews ViewsOf(const NamedViews& whole, const TensorTable& table);

}  // namespace t3
