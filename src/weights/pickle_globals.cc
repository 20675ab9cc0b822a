// The table of known globals. It is a list of what is allowed: anything else ends the reading,
// since a global is how a pickle names code to run.
#include "weights/pickle_globals.h"

#include <string>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

using Global = PickleNode::Global;

struct KnownGlobal {
  std::string_view module;
  std::string_view name;
  Global global;
  DType dtype = DType::kU8;
};

constexpr KnownGlobal kKnown[] = {
    {"collections", "OrderedDict", Global::kOrderedDict},
    {"torch._utils", "_rebuild_tensor_v2", Global::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v3", Global::kRebuildTensorWithDType},
    {"torch._utils", "_rebuild_parameter", Global::kRebuildParameter},
    {"torch", "DoubleStorage", Global::kStorageType, DType::kF64},
    {"torch", "FloatStorage", Global::kStorageType, DType::kF32},
    {"torch", "HalfStorage", Global::kStorageType, DType::kF16},
    {"torch", "BFloat16Storage", Global::kStorageType, DType::kBF16},
    {"torch", "LongStorage", Global::kStorageType, DType::kI64},
    {"torch", "IntStorage", Global::kStorageType, DType::kI32},
    {"torch", "ShortStorage", Global::kStorageType, DType::kI16},
    {"torch", "CharStorage", Global::kStorageType, DType::kI8},
    {"torch", "ByteStorage", Global::kStorageType, DType::kU8},
    {"torch", "BoolStorage", Global::kStorageType, DType::kBool},
    // Dtypes younger than the typed storages: the storage is bytes, the tensor names its dtype.
    {"torch.storage", "UntypedStorage", Global::kUntypedStorage},
    {"torch", "float8_e4m3fn", Global::kDType, DType::kF8E4M3},
    {"torch", "float8_e5m2", Global::kDType, DType::kF8E5M2},
    {"torch.jit._pickle", "build_intlist", Global::kScriptValue},
    {"torch.jit._pickle", "build_doublelist", Global::kScriptValue},
    {"torch.jit._pickle", "build_boollist", Global::kScriptValue},
    {"torch.jit._pickle", "build_tensorlist", Global::kScriptValue},
    {"torch.jit._pickle", "restore_type_tag", Global::kScriptValue},
};

// The modules of a TorchScript archive are classes of code that is stored beside the pickle.
constexpr std::string_view kScriptModules = "__torch__";

}  // namespace

PickleNode MakeGlobal(std::string_view module, std::string_view name) {
  if (module == kScriptModules || module.starts_with(std::string(kScriptModules) + ".")) {
    PickleNode node;
    node.kind = PickleNode::Kind::kGlobal;
    node.global = Global::kScriptClass;
    return node;
  }
  for (const KnownGlobal& known : kKnown) {
    if (known.module != module || known.name != name) continue;
    PickleNode node;
    node.kind = PickleNode::Kind::kGlobal;
    node.global = known.global;
    node.dtype = known.dtype;
    return node;
  }
  Fail(
      "the pickle names {}.{}, which is not tensor data; nothing in it is run. Save only the "
      "state dict: torch.save(model.state_dict(), ...)",
      Quote(module), Quote(name));
}

}  // namespace t3
