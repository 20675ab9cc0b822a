// ParseTorchLegacy and IsTorchLegacy.
#include <map>
#include <utility>

#include "base/text.h"
#include "weights/pickle.h"
#include "weights/pickled_tensor.h"
#include "weights/torch_file.h"

namespace t3 {
namespace {

using Kind = PickleNode::Kind;

// The pickles of the numbers 0x1950a86a20f9469cfc6c and 1001; torch writes these bytes and no
// others.
constexpr std::string_view kMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
constexpr std::string_view kVersion("\x80\x02M\xe9\x03.", 6);

Pickle NextPickle(ByteReader& reader, Bytes file) {
  Pickle pickle = ParsePickle(file.subspan(reader.position()));
  reader.Take(pickle.bytes);
  return pickle;
}

void CheckLittleEndian(const PickleNode& machine) {
  bool little = false;
  for (size_t i = 0; machine.kind == Kind::kDict && i + 1 < machine.items.size(); i += 2) {
    if (machine.items[i]->text == "little_endian") little = machine.items[i + 1]->integer == 1;
  }
  T3_CHECK(little, "its byte order is not little-endian; save it on a little-endian machine");
}

// The storages that the objects refer to. The data carry no dtype, so their sizes come from here.
std::map<std::string_view, PickledStorage> DeclaredStorages(const Pickle& objects) {
  std::map<std::string_view, PickledStorage> storages;
  for (const PickleNode& node : objects.nodes) {
    if (node.kind != Kind::kStorage) continue;
    const PickledStorage storage = ReadStorage(node);
    const auto [known, added] = storages.emplace(storage.key, storage);
    T3_CHECK(added || known->second.bytes == storage.bytes,
             "storage {} is said to have both {} and {} bytes", Quote(storage.key),
             known->second.bytes, storage.bytes);
  }
  return storages;
}

std::map<std::string_view, Bytes> ReadStorages(ByteReader& reader, const PickleNode& keys,
                                               const Pickle& objects) {
  T3_CHECK(keys.kind == Kind::kList, "its list of storages is a {}", KindName(keys.kind));
  const auto declared = DeclaredStorages(objects);
  std::map<std::string_view, Bytes> storages;
  for (const PickleNode* key : keys.items) {
    const auto found = declared.find(key->text);
    T3_CHECK(key->kind == Kind::kString && found != declared.end(),
             "it lists storage {}, which no tensor uses", Quote(key->text));
    const auto elements = reader.Read<uint64_t>();
    T3_CHECK(std::cmp_equal(elements, found->second.elements),
             "storage {} has {} elements, its tensors say {}", Quote(key->text), elements,
             found->second.elements);
    const Bytes data = reader.Take(static_cast<uint64_t>(found->second.bytes));
    T3_CHECK(storages.emplace(key->text, data).second, "it lists storage {} twice",
             Quote(key->text));
  }
  return storages;
}

}  // namespace

bool IsTorchLegacy(Bytes file) { return AsText(file).starts_with(kMagic); }

ParsedWeights ParseTorchLegacy(Bytes file) {
  T3_CHECK(IsTorchLegacy(file), "it does not start with torch's magic number");
  ByteReader reader(file, "the file");
  reader.Take(kMagic.size());
  T3_CHECK(AsText(reader.Take(kVersion.size())) == kVersion,
           "its version is not torch's 1001, the only one there is");
  const Pickle machine = NextPickle(reader, file);
  CheckLittleEndian(*machine.root);
  const Pickle objects = NextPickle(reader, file);
  const Pickle keys = NextPickle(reader, file);
  const auto storages = ReadStorages(reader, *keys.root, objects);
  const auto storage_bytes = [&](const PickledStorage& storage) {
    const auto found = storages.find(storage.key);
    T3_CHECK(found != storages.end(), "its storage {} is not in the file", Quote(storage.key));
    return found->second;
  };
  return ReadTensors(FindStateDict(*objects.root), storage_bytes,
                     static_cast<int64_t>(file.size()));
}

}  // namespace t3
