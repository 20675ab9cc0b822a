// ReadStorage and ReadTensors.
#include "weights/pickled_tensor.h"

#include <cstring>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

using Kind = PickleNode::Kind;
using Global = PickleNode::Global;
using Sizes = std::vector<int64_t>;

struct PickledTensor {
  PickledStorage storage;
  DType dtype = DType::kF32;
  int64_t offset = 0;  // elements
  Sizes shape;
  Sizes strides;  // elements
};

int64_t NonNegative(const PickleNode& node, const char* what) {
  T3_CHECK(node.kind == Kind::kInt && node.integer >= 0, "{} is {}, wanted a whole number from 0",
           what, node.kind == Kind::kInt ? fmt::to_string(node.integer) : KindName(node.kind));
  return node.integer;
}

Sizes NonNegatives(const PickleNode& node, const char* what) {
  T3_CHECK(node.kind == Kind::kTuple && node.items.size() <= kMaxRank,
           "{} is not a tuple of at most {} numbers", what, kMaxRank);
  Sizes sizes;
  for (const PickleNode* item : node.items) sizes.push_back(NonNegative(*item, what));
  return sizes;
}

// _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata]); v3 has the
// dtype after the hooks. Metadata (conjugate, negative bits) would change the values: refused.
PickledTensor ReadArguments(const PickleNode& node) {
  const auto& arguments = node.items;
  PickledTensor tensor;
  T3_CHECK(arguments[0]->kind == Kind::kStorage, "its storage is a {}",
           KindName(arguments[0]->kind));
  tensor.storage = ReadStorage(*arguments[0]);
  tensor.offset = NonNegative(*arguments[1], "its offset");
  tensor.shape = NonNegatives(*arguments[2], "its size");
  tensor.strides = NonNegatives(*arguments[3], "its stride");
  T3_CHECK(tensor.shape.size() == tensor.strides.size(), "it has {} sizes but {} strides",
           tensor.shape.size(), tensor.strides.size());
  tensor.dtype = tensor.storage.dtype;
  size_t used = 6;
  if (node.global == Global::kRebuildTensorWithDType) {
    T3_CHECK(arguments.size() > used && arguments[used]->kind == Kind::kGlobal &&
                 arguments[used]->global == Global::kDType,
             "its dtype is missing");
    tensor.dtype = arguments[used++]->dtype;
  }
  T3_CHECK(arguments.size() == used, "it carries metadata, which is not supported");
  T3_CHECK(tensor.storage.untyped || DTypeSize(tensor.dtype) == DTypeSize(tensor.storage.dtype),
           "its dtype and its storage's differ in size");
  return tensor;
}

// Elements of storage from the first to the last that the tensor touches, at most.
int64_t Extent(const PickledTensor& tensor) {
  int64_t last = tensor.offset;
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    int64_t span = 0;
    T3_CHECK(!__builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &span) &&
                 !__builtin_add_overflow(last, span, &last),
             "it reaches beyond any storage");
  }
  T3_CHECK(last < INT64_MAX, "it reaches beyond any storage");
  return last + 1;
}

bool IsContiguous(const PickledTensor& tensor) {
  int64_t stride = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != stride) return false;
    stride *= tensor.shape[i];
  }
  return true;
}

void CopyStrided(const PickledTensor& tensor, const std::byte* source, std::byte* target) {
  const auto size = static_cast<size_t>(DTypeSize(tensor.dtype));
  const size_t rank = tensor.shape.size();
  Sizes index(rank, 0);
  int64_t at = 0;
  for (size_t axis = rank; axis > 0;) {
    std::memcpy(target, source + at * static_cast<int64_t>(size), size);
    target += size;
    // The next index in row-major order: carry from the last axis to the first. `at` never leaves
    // the extent that was checked, whatever the stride of an axis of one element.
    for (axis = rank; axis > 0; --axis) {
      const int64_t last = tensor.shape[axis - 1] - 1;
      if (index[axis - 1] < last) {
        ++index[axis - 1];
        at += tensor.strides[axis - 1];
        break;
      }
      at -= tensor.strides[axis - 1] * last;
      index[axis - 1] = 0;
    }
  }
}

class TensorReader {
 public:
  TensorReader(const StorageBytes& storage_bytes, int64_t budget)
      : storage_bytes_(storage_bytes), budget_(budget) {}

  TensorView Read(const PickleNode& node, ParsedWeights& weights) {
    const PickledTensor tensor = ReadArguments(node);
    const auto bytes = ContiguousBytes(tensor.shape, tensor.dtype);
    T3_CHECK(bytes.has_value(), "its size [{}] passes 2^63 bytes", fmt::join(tensor.shape, ", "));
    TensorView view{tensor.dtype, tensor.shape, nullptr, *bytes};
    const Bytes storage = storage_bytes_(tensor.storage);
    if (*bytes == 0) {
      view.data = storage.data();
      return view;
    }
    const int64_t held = tensor.storage.bytes / DTypeSize(tensor.dtype);
    const int64_t extent = Extent(tensor);
    T3_CHECK(extent <= held,
             "it reaches to element {} of a storage of {} (offset {}, size [{}], stride [{}])",
             extent, held, tensor.offset, fmt::join(tensor.shape, ", "),
             fmt::join(tensor.strides, ", "));
    const std::byte* first = storage.data() + tensor.offset * DTypeSize(tensor.dtype);
    view.data = IsContiguous(tensor) ? first : Copy(tensor, first, *bytes, weights);
    return view;
  }

 private:
  const std::byte* Copy(const PickledTensor& tensor, const std::byte* first, int64_t bytes,
                        ParsedWeights& weights) {
    T3_CHECK(bytes <= budget_,
             "it is not contiguous, and all such tensors together are larger than the file");
    budget_ -= bytes;
    auto copy = std::make_unique_for_overwrite<std::byte[]>(static_cast<size_t>(bytes));
    CopyStrided(tensor, first, copy.get());
    weights.owned.push_back(std::move(copy));
    return weights.owned.back().get();
  }

  const StorageBytes& storage_bytes_;
  int64_t budget_;
};

}  // namespace

PickledStorage ReadStorage(const PickleNode& node) {
  const auto& id = node.items;
  const bool typed = id[1]->kind == Kind::kGlobal && id[1]->global == Global::kStorageType;
  const bool untyped = id[1]->kind == Kind::kGlobal && id[1]->global == Global::kUntypedStorage;
  T3_CHECK(id[0]->kind == Kind::kString && id[0]->text == "storage" && (typed || untyped) &&
               id[2]->kind == Kind::kString,
           "its storage has no persistent id as torch.save writes it");
  T3_CHECK(id.size() == 5 || id[5]->kind == Kind::kNone,
           "its storage is a view of another one (written by torch before 0.4); save it again");
  PickledStorage storage{id[2]->text, id[1]->dtype, untyped,
                         NonNegative(*id[4], "its storage's length"), 0};
  const auto bytes = ContiguousBytes({&storage.elements, 1}, storage.dtype);
  T3_CHECK(bytes.has_value(), "its storage's length {} passes 2^63 bytes", storage.elements);
  storage.bytes = *bytes;
  return storage;
}

ParsedWeights ReadTensors(const StateDict& state, const StorageBytes& storage_bytes,
                          int64_t budget) {
  ParsedWeights weights;
  weights.notes = state.notes;
  TensorReader reader(storage_bytes, budget);
  for (const auto& [name, node] : state.tensors) {
    try {
      weights.tensors.emplace(name, reader.Read(*node, weights));
    } catch (const Error& error) {
      Fail("tensor {}: {}", Quote(name), error.what());
    }
  }
  return weights;
}

}  // namespace t3
