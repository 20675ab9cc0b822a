// ParseTorchZip.
#include <optional>

#include "base/text.h"
#include "weights/pickle.h"
#include "weights/pickled_tensor.h"
#include "weights/torch_file.h"
#include "weights/zip.h"

namespace t3 {
namespace {

using Entries = std::map<std::string, Bytes>;

// "NAME/" of the one NAME/data.pkl.
std::string FindFolder(const Entries& entries) {
  constexpr std::string_view kPickle = "/data.pkl";
  std::optional<std::string> folder;
  for (const auto& [name, bytes] : entries) {
    if (!name.ends_with(kPickle)) continue;
    T3_CHECK(!folder, "the zip holds several data.pkl ({}, {}); wanted one", Quote(*folder),
             Quote(name));
    folder = name.substr(0, name.size() - kPickle.size() + 1);
  }
  T3_CHECK(
      folder.has_value(),
      "it is an ordinary zip ({} entries, no data.pkl), not written by torch.save; unpack it and "
      "give the file inside",
      entries.size());
  return *folder;
}

// Absent before torch 2.1, which wrote little-endian files only.
void CheckByteOrder(const Entries& entries, const std::string& folder) {
  const auto found = entries.find(folder + "byteorder");
  if (found == entries.end()) return;
  T3_CHECK(AsText(found->second) == "little",
           "its byte order is {}, wanted 'little'; save it on a little-endian machine",
           Quote(AsText(found->second)));
}

}  // namespace

ParsedWeights ParseTorchZip(Bytes file) {
  const Entries entries = ParseZip(file);
  const std::string folder = FindFolder(entries);
  CheckByteOrder(entries, folder);
  const Bytes pickle_bytes = entries.at(folder + "data.pkl");
  const Pickle pickle = ParsePickle(pickle_bytes);
  T3_CHECK(pickle.bytes == pickle_bytes.size(), "data.pkl holds {} bytes after its pickle",
           pickle_bytes.size() - pickle.bytes);
  const auto storage_bytes = [&](const PickledStorage& storage) {
    const auto found = entries.find(folder + "data/" + std::string(storage.key));
    T3_CHECK(found != entries.end(), "its storage {} is not in the file",
             Quote(folder + "data/" + std::string(storage.key)));
    T3_CHECK(std::cmp_less_equal(storage.bytes, found->second.size()),
             "its storage {} is said to have {} bytes, the file holds {}", Quote(storage.key),
             storage.bytes, found->second.size());
    return found->second;
  };
  return ReadTensors(FindStateDict(*pickle.root), storage_bytes, static_cast<int64_t>(file.size()));
}

}  // namespace t3
