// Zip archives as torch.save writes them.
#pragma once

#include <map>
#include <string>

#include "weights/byte_reader.h"

namespace t3 {

// Entry name -> its bytes inside `file`, from the central directory of a zip or ZIP64 archive in
// memory. Only stored (uncompressed) entries: torch writes no others for tensors. Compressed code
// of a TorchScript archive (NAME/code/...) is left out. Throws Error on other compression,
// encryption, several disks, names that repeat or could leave a folder, and on entries that lie
// outside the file, over each other or differ between directory and local header. Checksums are not
// compared: that would read all of an 11 GB file.
std::map<std::string, Bytes> ParseZip(Bytes file);

}  // namespace t3
