// Python pickles as torch.save writes them, read as data.
#pragma once

#include "weights/byte_reader.h"
#include "weights/pickle_graph.h"

namespace t3 {

// Reads the pickle (protocol 2) at the start of `file`. Throws Error on every opcode that
// torch.save does not write for tensors, on every global but OrderedDict, torch's storages, dtypes
// and rebuild functions (named in the message), on broken structure, and when it passes 16 MiB or
// two million objects (real checkpoints stay below 1 MiB).
Pickle ParsePickle(Bytes file);

}  // namespace t3
