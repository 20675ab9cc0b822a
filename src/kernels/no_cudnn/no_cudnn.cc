// Builds without cuDNN's front end: libtorch runs all convolutions and attention.
#include "base/check.h"
#include "kernels/attention.h"
#include "kernels/convolution.h"

namespace t3::kernels {
namespace {

// Without plans no CudnnPlans exists, so its members are never called.
[[noreturn]] void Refuse() { Fail("CudnnPlans: this t3 was built without cuDNN's front end"); }

}  // namespace

struct CudnnPlans::Graph {};

CudnnPlans::CudnnPlans(std::unique_ptr<Graph> graph) : graph_(std::move(graph)) {}
CudnnPlans::~CudnnPlans() = default;
const std::vector<std::string>& CudnnPlans::Names() const { Refuse(); }
bool CudnnPlans::Build(size_t) { Refuse(); }
int64_t CudnnPlans::WorkspaceBytes(size_t) const { Refuse(); }
bool CudnnPlans::Launch(size_t, std::initializer_list<const void*>, void*, Stream) { Refuse(); }
const std::string& CudnnPlans::Refusal() const { Refuse(); }

std::unique_ptr<CudnnPlans> FindConvolutionPlans(const ConvolutionShape&, int64_t) {
  return nullptr;
}
std::unique_ptr<CudnnPlans> FindAttentionPlans(const AttentionShape&, int64_t) { return nullptr; }
std::string CudnnMachine(int) { return ""; }

}  // namespace t3::kernels
