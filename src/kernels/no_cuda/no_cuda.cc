// The kernels of a build without CUDA: tensors are on the CPU then, and nothing calls these.
#include "base/check.h"
#include "kernels/causal_conv.h"
#include "kernels/feature_map.h"
#include "kernels/linear.h"
#include "kernels/modulate.h"
#include "kernels/modulate_backward.h"
#include "kernels/norm_silu_backward.h"
#include "kernels/rms_rope.h"
#include "kernels/rms_rope_backward.h"
#include "kernels/softmax.h"
#include "kernels/text_attention.h"
#include "kernels/window_mean.h"

namespace t3::kernels {
namespace {

[[noreturn]] void Refuse(const char* kernel) {
  Fail("{}: this t3 was built without CUDA; build with -DT3_CUDA=ON or use --device cpu", kernel);
}

}  // namespace

int ComputeCapability(int) { Refuse("ComputeCapability"); }
void LayerNormModulate(const LayerNormModulateArgs&, Stream) { Refuse("LayerNormModulate"); }
void AddGated(const AddGatedArgs&, Stream) { Refuse("AddGated"); }
void InverseRms(const InverseRmsArgs&, Stream) { Refuse("InverseRms"); }
void RmsRopeRows(const RmsRopeRowsArgs&, Stream) { Refuse("RmsRopeRows"); }
void RmsRopeScatter(const RmsRopeScatterArgs&, Stream) { Refuse("RmsRopeScatter"); }
void Linear(const LinearArgs&, const LinearAlgorithm&, const Workspace&, Stream) {
  Refuse("Linear");
}
int LinearAlgorithms(const LinearArgs&, const Workspace&) { Refuse("LinearAlgorithms"); }
void TextAttention(const TextAttentionArgs&, Stream) { Refuse("TextAttention"); }
void WindowMean(const WindowMeanArgs&, Stream) { Refuse("WindowMean"); }
void NormSilu(const NormSiluArgs&, Stream) { Refuse("NormSilu"); }
int64_t CausalConvTiles(int64_t, int64_t, int64_t, int64_t) { Refuse("CausalConvTiles"); }
void CausalConv(const CausalConvArgs&, Stream) { Refuse("CausalConv"); }
int64_t SoftmaxMostColumns(int) { Refuse("SoftmaxMostColumns"); }
void Softmax(const SoftmaxArgs&, Stream) { Refuse("Softmax"); }
void AddMap(const AddMapArgs&, Stream) { Refuse("AddMap"); }
void PlacePhases(const PlacePhasesArgs&, Stream) { Refuse("PlacePhases"); }
void NormSiluBackward(const NormSiluBackwardArgs&, Stream) { Refuse("NormSiluBackward"); }
void LayerNormModulateBackward(const LayerNormModulateBackwardArgs&, Stream) {
  Refuse("LayerNormModulateBackward");
}
void AddGatedBackward(const AddGatedBackwardArgs&, Stream) { Refuse("AddGatedBackward"); }
void RmsRopeBackward(const RmsRopeBackwardArgs&, Stream) { Refuse("RmsRopeBackward"); }

}  // namespace t3::kernels
