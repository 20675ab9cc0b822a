// Linear layers through cuBLASLt. Its matrices are column-major, so it computes y^T = W x^T: rows
// of the result are output channels, to which its epilogues add the bias.
#include "kernels/linear.h"

#include <cublasLt.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/check.h"
#include "kernels/cuda/launch.h"
#include "kernels/device.h"

namespace t3::kernels {
namespace {

constexpr int kMaxAlgorithms = 16;

void Check(cublasStatus_t status, const char* call) {
  T3_CHECK(status == CUBLAS_STATUS_SUCCESS, "cuBLASLt: {} failed: {}", call,
           cublasLtGetStatusString(status));
}

template <typename Handle, cublasStatus_t (*kDestroy)(Handle)>
struct Destroy {
  using pointer = Handle;
  void operator()(Handle handle) const { kDestroy(handle); }
};
using Layout = std::unique_ptr<cublasLtMatrixLayout_t,
                               Destroy<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>>;
using Operation =
    std::unique_ptr<cublasLtMatmulDesc_t, Destroy<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>>;
using Preference =
    std::unique_ptr<cublasLtMatmulPreference_t,
                    Destroy<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>>;

Layout CreateLayout(cudaDataType type, int64_t rows, int64_t columns, int64_t stride) {
  cublasLtMatrixLayout_t layout = nullptr;
  Check(cublasLtMatrixLayoutCreate(&layout, type, static_cast<uint64_t>(rows),
                                   static_cast<uint64_t>(columns), stride),
        "cublasLtMatrixLayoutCreate");
  return Layout(layout);
}

template <typename T>
void Set(const Operation& operation, cublasLtMatmulDescAttributes_t name, const T& value) {
  Check(cublasLtMatmulDescSetAttribute(operation.get(), name, &value, sizeof(value)),
        "cublasLtMatmulDescSetAttribute");
}

// Fast accumulation keeps about 13 bits of a sum in the tensor core instead of moving it to fp32
// registers every 128 terms. It adds 4e-4 (1,536 inputs) to 2.7e-3 (14,336) of a product's L2 to
// the 3.7e-2 of the codes, and products are a fifth to a third faster.
void SetScales(const Operation& operation, const LinearArgs& args) {
  Set(operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM, int8_t{1});
  Set(operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_16BF);
  constexpr int32_t kPerRow = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
  Set(operation, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, kPerRow);
  Set(operation, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, kPerRow);
  Set(operation, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, args.weight_scale);
  Set(operation, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, args.x_scale);
}

Operation CreateOperation(const LinearArgs& args) {
  cublasLtMatmulDesc_t created = nullptr;
  Check(cublasLtMatmulDescCreate(&created, CUBLAS_COMPUTE_32F, CUDA_R_32F),
        "cublasLtMatmulDescCreate");
  Operation operation(created);
  Set(operation, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  Set(operation, CUBLASLT_MATMUL_DESC_EPILOGUE,
      args.gelu ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_BIAS);
  Set(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, args.bias);
  if (args.fp8()) SetScales(operation, args);
  return operation;
}

// What one product needs besides its pointers.
struct Product {
  explicit Product(const LinearArgs& args)
      : operation(CreateOperation(args)),
        weight(CreateLayout(TypeOf(args), args.in, args.out, args.in)),
        x(CreateLayout(TypeOf(args), args.in, args.tokens, args.x_stride)),
        y(CreateLayout(CUDA_R_16BF, args.out, args.tokens, args.y_stride)) {}
  static cudaDataType TypeOf(const LinearArgs& args) {
    return args.fp8() ? CUDA_R_8F_E4M3 : CUDA_R_16BF;
  }
  Operation operation;
  Layout weight, x, y;
};

cublasLtHandle_t HandleOfDevice() {
  static std::mutex mutex;
  static std::map<int, cublasLtHandle_t> handles;  // live as long as the process
  int device = 0;
  T3_CHECK(cudaGetDevice(&device) == cudaSuccess, "no current GPU");
  const std::lock_guard lock(mutex);
  cublasLtHandle_t& handle = handles[device];
  if (handle == nullptr) Check(cublasLtCreate(&handle), "cublasLtCreate");
  return handle;
}

using Algorithms = std::vector<cublasLtMatmulAlgo_t>;

Algorithms FindAlgorithms(const Product& product, const Workspace& workspace) {
  cublasLtMatmulPreference_t created = nullptr;
  Check(cublasLtMatmulPreferenceCreate(&created), "cublasLtMatmulPreferenceCreate");
  const Preference preference(created);
  const auto bytes = static_cast<uint64_t>(workspace.bytes);
  Check(cublasLtMatmulPreferenceSetAttribute(created, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                             &bytes, sizeof(bytes)),
        "cublasLtMatmulPreferenceSetAttribute");
  std::array<cublasLtMatmulHeuristicResult_t, kMaxAlgorithms> found{};
  int count = 0;
  Check(cublasLtMatmulAlgoGetHeuristic(
            HandleOfDevice(), product.operation.get(), product.weight.get(), product.x.get(),
            product.y.get(), product.y.get(), created, kMaxAlgorithms, found.data(), &count),
        "cublasLtMatmulAlgoGetHeuristic");
  Algorithms algorithms;
  for (int i = 0; i < count; ++i) {
    if (found[i].state == CUBLAS_STATUS_SUCCESS) algorithms.push_back(found[i].algo);
  }
  T3_CHECK(!algorithms.empty(), "cuBLASLt has no algorithm for this product");
  return algorithms;
}

// What the candidates depend on.
using Key = std::array<int64_t, 10>;

const Algorithms& AlgorithmsFor(const LinearArgs& args, const Workspace& workspace) {
  static std::mutex mutex;
  static std::map<Key, Algorithms> known;
  int device = 0;
  T3_CHECK(cudaGetDevice(&device) == cudaSuccess, "no current GPU");
  const Key key{device,        args.tokens, args.in,  args.out,   args.x_stride,
                args.y_stride, args.gelu,   args.add, args.fp8(), workspace.bytes};
  const std::lock_guard lock(mutex);
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  return known.emplace(key, FindAlgorithms(Product(args), workspace)).first->second;
}

}  // namespace

std::string CublasMachine(int device) {
  return fmt::format("{}, cuBLASLt {}", GpuName(device), cublasLtGetVersion());
}

int CountLinearAlgorithms(const LinearArgs& args, const Workspace& workspace) {
  return static_cast<int>(AlgorithmsFor(args, workspace).size());
}

void LaunchLinear(const LinearArgs& args, const LinearAlgorithm& algorithm,
                  const Workspace& workspace, Stream stream) {
  T3_CHECK(!(args.gelu && args.add), "Linear: GELU and a sum in one product");
  LinearArgs heuristic = args;
  heuristic.tokens = algorithm.heuristic_rows;
  const Algorithms& algorithms = AlgorithmsFor(heuristic, workspace);
  const int count = static_cast<int>(algorithms.size());
  T3_CHECK(algorithm.index >= 0 && algorithm.index < count, "Linear: algorithm {} of {}",
           algorithm.index, count);
  const Product product(args);
  const float one = 1;
  const float beta = args.add ? 1.0F : 0.0F;
  Check(
      cublasLtMatmul(HandleOfDevice(), product.operation.get(), &one, args.weight,
                     product.weight.get(), args.x, product.x.get(), &beta, args.y, product.y.get(),
                     args.y, product.y.get(), &algorithms[static_cast<size_t>(algorithm.index)],
                     workspace.data, static_cast<size_t>(workspace.bytes), ToCuda(stream)),
      "cublasLtMatmul");
}

}  // namespace t3::kernels
