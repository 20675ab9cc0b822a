// Kernels of a build without CUDA: all tensors are on the CPU, so these are never called.
#include "base/check.h"
#include "kernels/add_gated.h"
#include "kernels/add_gated_backward.h"
#include "kernels/add_map.h"
#include "kernels/bias_relu.h"
#include "kernels/causal_conv.h"
#include "kernels/device.h"
#include "kernels/fp8_attention.h"
#include "kernels/inverse_rms.h"
#include "kernels/layer_norm.h"
#include "kernels/layer_norm_backward.h"
#include "kernels/linear.h"
#include "kernels/norm_silu.h"
#include "kernels/norm_silu_backward.h"
#include "kernels/peer_access.h"
#include "kernels/place_phases.h"
#include "kernels/quantise_rows.h"
#include "kernels/rms_rope_backward.h"
#include "kernels/rms_rope_rows.h"
#include "kernels/rms_rope_scatter.h"
#include "kernels/softmax.h"
#include "kernels/text_attention.h"
#include "kernels/window_mean.h"

namespace t3::kernels {
namespace {

[[noreturn]] void Refuse(const char* kernel) {
  Fail("{}: this t3 was built without CUDA; build with -DT3_CUDA=ON or use `device` cpu", kernel);
}

}  // namespace

int ComputeCapability(int) { Refuse("ComputeCapability"); }
std::string GpuName(int) { Refuse("GpuName"); }
std::string CublasMachine(int) { Refuse("CublasMachine"); }
int Multiprocessors() { Refuse("Multiprocessors"); }
bool HasPeerAccess(int, int) { Refuse("HasPeerAccess"); }
int64_t CausalConvTiles(int64_t, int64_t, int64_t, int64_t) { Refuse("CausalConvTiles"); }
int64_t SoftmaxMaxColumns(int) { Refuse("SoftmaxMaxColumns"); }
int CountLinearAlgorithms(const LinearArgs&, const Workspace&) { Refuse("CountLinearAlgorithms"); }
void LaunchLinear(const LinearArgs&, const LinearAlgorithm&, const Workspace&, Stream) {
  Refuse("Linear");
}
void LaunchAddGated(const AddGatedArgs&, Stream) { Refuse("AddGated"); }
void LaunchAddGatedBackward(const AddGatedBackwardArgs&, Stream) { Refuse("AddGatedBackward"); }
void LaunchAddMap(const AddMapArgs&, Stream) { Refuse("AddMap"); }
void LaunchBiasRelu(const BiasReluArgs&, Stream) { Refuse("BiasRelu"); }
void LaunchCausalConv(const CausalConvArgs&, Stream) { Refuse("CausalConv"); }
void LaunchFp8Scatter(const Fp8ScatterArgs&, Stream) { Refuse("Fp8Scatter"); }
void LaunchFp8WindowMean(const Fp8WindowMeanArgs&, Stream) { Refuse("Fp8WindowMean"); }
void LaunchInverseRms(const InverseRmsArgs&, Stream) { Refuse("InverseRms"); }
void LaunchKeyValueMean(const KeyValueMeanArgs&, Stream) { Refuse("KeyValueMean"); }
void LaunchLayerNormModulate(const LayerNormModulateArgs&, Stream) { Refuse("LayerNormModulate"); }
void LaunchLayerNormModulateBackward(const LayerNormModulateBackwardArgs&, Stream) {
  Refuse("LayerNormModulateBackward");
}
void LaunchMaxDeviation(const MaxDeviationArgs&, Stream) { Refuse("MaxDeviation"); }
void LaunchNormSilu(const NormSiluArgs&, Stream) { Refuse("NormSilu"); }
void LaunchNormSiluBackward(const NormSiluBackwardArgs&, Stream) { Refuse("NormSiluBackward"); }
void LaunchPlacePhases(const PlacePhasesArgs&, Stream) { Refuse("PlacePhases"); }
void LaunchQuantiseRows(const QuantiseRowsArgs&, Stream) { Refuse("QuantiseRows"); }
void LaunchRmsRopeBackward(const RmsRopeBackwardArgs&, Stream) { Refuse("RmsRopeBackward"); }
void LaunchRmsRopeRows(const RmsRopeRowsArgs&, Stream) { Refuse("RmsRopeRows"); }
void LaunchRmsRopeScatter(const RmsRopeScatterArgs&, Stream) { Refuse("RmsRopeScatter"); }
void LaunchSoftmax(const SoftmaxArgs&, Stream) { Refuse("Softmax"); }
void LaunchTextAttention(const TextAttentionArgs&, Stream) { Refuse("TextAttention"); }
void LaunchWindowMean(const WindowMeanArgs&, Stream) { Refuse("WindowMean"); }

}  // namespace t3::kernels
