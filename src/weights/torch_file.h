// Files of torch.save.
#pragma once

#include "weights/byte_reader.h"
#include "weights/types.h"

namespace t3 {

// The zip form (torch 1.6 and later): NAME/data.pkl, NAME/data/KEY, NAME/byteorder. `file` is all
// of it in memory; views point into it. Throws Error; see ParseZip, ParsePickle and ReadTensors.
ParsedWeights ParseTorchZip(Bytes file);

// The older form: five pickles (magic number, version, machine, objects, storage keys), then each
// storage as u64 length and data.
ParsedWeights ParseTorchLegacy(Bytes file);

// Whether the file starts with the magic-number pickle of the older form.
bool IsTorchLegacy(Bytes file);

}  // namespace t3
