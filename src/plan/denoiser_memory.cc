// Memory of the denoiser: what is always allocated, and the wider of a layer's two phases.
#include "plan/denoiser_memory.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "arch/dit.h"
#include "plan/chunks.h"
#include "plan/partition.h"

namespace t3 {
namespace {

constexpr int64_t kLatentBytes = 4;

// Copies of the latents while layers run (x, one branch's velocity, UniPC's sample and two
// predictions), and while the solver runs.
constexpr int64_t kLatentsBesideLayers = 5;
constexpr int64_t kLatentsInSolver = 10;
// Workspaces of matrix products and attention from the allocator.
constexpr int64_t kGpuWorkspaces = 100'000'000;

// Longer than the captions of the world and the models' negative prompts, of which a few rows stand
// for the padding (models/dit/text_rows.h).
constexpr int64_t kBatchTextRows = 256;

constexpr int64_t kStreamedBlocks = 2;  // on the device at a time
constexpr int64_t kHostChunk = int64_t{1} << 30;

// Attention of one kind of layer.
struct LayerAttention {
  AttentionSize size;
  bool in_place = false;  // windows in token order: the GPU needs no window buffers
};

LayerAttention FullAttention(const AttentionSize& size) { return {size, true}; }

LayerAttention WindowedAttention(const PlannedRun& run, AttentionSize size,
                                 const WindowCounts& counts) {
  const Grid& grid = DenoisedVideo(run).grid;
  const bool coincide = Coincide(grid, counts);
  const bool swin = run.attention == AttentionPattern::kSwin;
  size.partitions = run.attention == AttentionPattern::kT3 && !coincide ? 2 : 1;
  size.largest_group = swin ? grid.tokens() : LargestGroup(grid, counts);
  if (size.largest_group == grid.tokens() && !swin) size.largest_group = 0;
  const bool close = run.attention != AttentionPattern::kRemote || coincide;
  return {size, size.partitions == 1 && close && !swin && InTokenOrder(grid, counts)};
}

std::vector<LayerAttention> Layers(const PlannedRun& run) {
  AttentionSize size;
  size.tokens = DenoisedVideo(run).grid.tokens();
  size.row_bytes = run.dit.head_dim() * run.element_bytes;
  if (run.attention == AttentionPattern::kFull) return {FullAttention(size)};
  std::vector<LayerAttention> layers;
  for (const WindowCounts& counts : run.windows) {
    layers.push_back(WindowedAttention(run, size, counts));
  }
  return layers;
}

int64_t HeadBytes(const PlannedRun& run, const LayerAttention& layer) {
  if (!run.on_gpu) return ReferenceHeadBytes(layer.size);
  return layer.in_place ? InPlaceHeadBytes(layer.size) : ScatteredHeadBytes(layer.size);
}

// x and q|k|v, and on the CPU normed q and k and the output of all heads.
int64_t TensorsOfAttention(const PlannedRun& run) { return run.on_gpu ? 1 + 3 : 1 + 3 + 2 + 1; }

// Of the rank with the most.
int64_t RankTokens(const PlannedRun& run) {
  return (DenoisedVideo(run).grid.tokens() + run.split.shards - 1) / run.split.shards;
}

int64_t TensorBytes(const PlannedRun& run) {
  return RankTokens(run) * run.dit.dim * run.element_bytes;
}

// Normed tokens before q, k, v; of a rank that exchanges (models/dit/token_shard.cc) also what it
// sends.
int64_t ProjectionBytes(const PlannedRun& run, int64_t scratch) {
  const int64_t row = run.dit.dim * run.element_bytes, tokens = RankTokens(run);
  if (run.split.shards == 1) return row * ChunkTokens(tokens, row, scratch);
  const int64_t sent = ExchangeRowBytes(run.dit.dim, run.element_bytes);
  return sent * ExchangeTokens(tokens, sent, scratch);
}

// The projections; then window attention by groups of heads, whose output a rank that exchanges has
// twice.
int64_t AttentionPhase(const PlannedRun& run, int64_t scratch) {
  int64_t widest = ProjectionBytes(run, scratch);
  for (const LayerAttention& layer : Layers(run)) {
    const int64_t heads = run.dit.num_heads / run.split.shards, head_dim = run.dit.head_dim();
    const auto add = [&](int64_t head, int64_t result) {
      widest = std::max(widest, head * HeadGroup(heads, head, scratch - result) + result);
    };
    add(HeadBytes(run, layer), 0);
    if (run.dit_fp8) {
      add(CodesHeadBytes(layer.size, head_dim), CodesResultBytes(layer.size, heads, head_dim));
    }
  }
  const int64_t copies = run.split.shards == 1 ? 0 : 1;
  return (TensorsOfAttention(run) + copies) * TensorBytes(run) + widest;
}

// x and chunks of tokens: the FFN's normed input and hidden tensor, and where its last product has
// no fused sum the output.
int64_t FfnPhase(const PlannedRun& run, int64_t scratch) {
  const bool fused = run.on_gpu && run.element_bytes == 2;
  const int64_t row = FfnRowBytes(run.dit.dim, run.dit.ffn_dim, run.element_bytes, run.dit_fp8);
  const int64_t taken = row - (fused ? run.dit.dim * run.element_bytes : 0);
  return TensorBytes(run) + taken * ChunkTokens(RankTokens(run), row, scratch);
}

int64_t SmallestScratch(const PlannedRun& run) {
  int64_t largest = 0;
  for (const LayerAttention& layer : Layers(run)) {
    largest = std::max(largest, HeadBytes(run, layer));
  }
  return largest;
}

// Index lists of every partition of the cycle, there and back.
int64_t PartitionBytes(const PlannedRun& run) {
  if (run.attention == AttentionPattern::kFull) return 0;
  int64_t lists = 0;
  for (const LayerAttention& layer : Layers(run)) {
    if (!layer.in_place) lists += 2 * layer.size.partitions;
  }
  const int64_t layouts = LayoutCount(run.attention, std::ssize(run.windows));
  return lists * layouts / std::ssize(run.windows) * DenoisedVideo(run).grid.tokens() *
         static_cast<int64_t>(sizeof(int32_t));
}

// Of texts of so many rows.
int64_t TextBytes(const PlannedRun& run, int64_t rows) {
  const DitConfig& dit = run.dit;
  const int64_t branches = run.two_branches && run.split.branches == 1 ? 2 : 1;
  return branches * dit.num_layers * 2 * rows * dit.dim * run.element_bytes;
}

int64_t TextBytes(const PlannedRun& run) { return TextBytes(run, run.dit.text_len); }

int64_t LatentBytes(const PlannedRun& run) {
  return run.dit.latent_channels * DenoisedVideo(run).latent.tokens() * kLatentBytes;
}

// What is in memory between two steps.
int64_t BetweenSteps(const PlannedRun& run) {
  return PartitionBytes(run) + TextBytes(run) + (run.on_gpu ? kGpuWorkspaces : 0) +
         kLatentsInSolver * LatentBytes(run);
}

// Everything except the weights, with `scratch` bytes for temporaries.
int64_t Activations(const PlannedRun& run, int64_t scratch) {
  const int64_t layers = std::max(AttentionPhase(run, scratch), FfnPhase(run, scratch)) +
                         kLatentsBesideLayers * LatentBytes(run);
  return PartitionBytes(run) + TextBytes(run) + (run.on_gpu ? kGpuWorkspaces : 0) +
         std::max(layers, kLatentsInSolver * LatentBytes(run));
}

// The same of a forward of a batch, which is differentiable (models/dit/dit.h) and has no chunks.
int64_t BatchActivations(const PlannedRun& run) {
  const int64_t tokens = run.videos * DenoisedVideo(run).grid.tokens();
  const int64_t layers =
      tokens * DifferentiableRow(run.dit.dim, run.dit.ffn_dim) * run.element_bytes +
      kLatentsBesideLayers * run.videos * LatentBytes(run);
  const int64_t texts = TextBytes(run, std::min(run.dit.text_len, kBatchTextRows));
  return run.videos * (PartitionBytes(run) + texts) + (run.on_gpu ? kGpuWorkspaces : 0) +
         std::max(layers, kLatentsInSolver * run.videos * LatentBytes(run));
}

// All allocations, each rounded up as the allocator does.
int64_t HostBytes(int64_t layers, int64_t block_bytes) {
  const int64_t per_chunk = HostChunkBlocks(block_bytes);
  int64_t bytes = 0;
  for (int64_t first = 0; first < layers; first += per_chunk) {
    bytes += static_cast<int64_t>(
        std::bit_ceil(static_cast<uint64_t>(std::min(per_chunk, layers - first) * block_bytes)));
  }
  return bytes;
}

// Scratch for temporaries: on a GPU what the budget leaves, but at least that of one head. On the
// CPU it is constant: it is small compared with the weights, and free memory, which varies from run
// to run, would change the order of summation.
int64_t AllowedScratch(const PlannedRun& run, int64_t weights, int64_t budget) {
  const int64_t smallest = SmallestScratch(run);
  int64_t allowed = DenoiserScratchBytes(run.on_gpu);
  if (run.on_gpu) {
    const int64_t fixed = Activations(run, smallest) - smallest;
    allowed = std::min(allowed, budget - weights - fixed);
  }
  return std::max(allowed, smallest);
}

// Of the denoiser's tensors, or its blocks', in all forms that are there.
int64_t FormsBytes(const PlannedRun& run, const TensorTable& table) {
  const int64_t bytes = DitWeightBytes(table, run.element_bytes, run.dit_fp8);
  return bytes + (run.dit_bf16 ? WeightBytes(table, run.element_bytes) : 0);
}

}  // namespace

int64_t DenoiserScratchBytes(bool on_gpu) { return on_gpu ? 6'000'000'000 : 1'000'000'000; }

int64_t HostChunkBlocks(int64_t block_bytes) {
  return std::max<int64_t>(1, kHostChunk / block_bytes);
}

DenoiserMemory PlanDenoiser(const PlannedRun& run, int64_t budget) {
  DenoiserMemory memory;
  memory.weights = FormsBytes(run, DitTensors(run.dit));
  if (run.dit_stored_bytes >
      0) {  // blocks as stored, and the buffers into which they are converted
    const TensorTable block = DitBlockTensors(run.dit);
    memory.weights +=
        run.dit.num_layers * WeightBytes(block, run.dit_stored_bytes) -
        (run.dit.num_layers - kStreamedBlocks) * WeightBytes(block, run.element_bytes);
  }
  const bool fits = memory.weights <= budget - Activations(run, SmallestScratch(run));
  const bool may_stream = run.on_gpu && run.videos == 1;  // as Dit::ForwardBatch
  if (may_stream && !fits && run.dit.num_layers > kStreamedBlocks) {
    const TensorTable table = DitBlockTensors(run.dit);
    memory.weights -= (run.dit.num_layers - kStreamedBlocks) * FormsBytes(run, table);
    memory.host_weights =
        HostBytes(run.dit.num_layers, DitWeightBytes(table, run.element_bytes, run.dit_fp8));
    if (run.dit_bf16)
      memory.host_weights += HostBytes(run.dit.num_layers, WeightBytes(table, run.element_bytes));
  }
  memory.scratch = AllowedScratch(run, memory.weights, budget);
  memory.activations = Activations(run, memory.scratch);
  if (run.videos > 1) memory.activations = std::max(memory.activations, BatchActivations(run));
  memory.between_steps = BetweenSteps(run);
  return memory;
}

}  // namespace t3
