// Videos of a model in training: OUTPUT/samples/step-N/I.mp4.
#pragma once

#include <cstdint>

#include "runtime/stage.h"
#include "training/dit/dit_config.h"

namespace t3 {

// Whether a prompt has no video of `step` yet.
bool SamplesMissing(const DitTrainConfig& config, int64_t step);

// Generates the videos with the model in config.output: all of them, or with `missing_only` those
// that an interrupted call left out. Throws as Engine does, of kind kInterrupted after a cancel.
void WriteSamples(const DitTrainConfig& config, int64_t step, bool missing_only,
                  const RunContext& context);

}  // namespace t3
