// Numbers of weights (model.md 1 and 2).
#include "plan/memory.h"

namespace t3 {
namespace {

int64_t Linear(int64_t in, int64_t out) { return in * out + out; }

}  // namespace

int64_t DitBlockParameters(const DitConfig& config) {
  const int64_t dim = config.dim;
  const int64_t attention = 4 * Linear(dim, dim) + 2 * dim;  // q, k, v, o and the norms of q and k
  return 2 * attention + Linear(dim, config.ffn_dim) + Linear(config.ffn_dim, dim) +
         2 * dim /* norm3 */ + 6 * dim /* modulation */;
}

int64_t DitParameters(const DitConfig& config) {
  const int64_t dim = config.dim;
  const int64_t patch = 4 * config.latent_channels;
  return config.num_layers * DitBlockParameters(config) + Linear(patch, dim) + Linear(dim, patch) +
         2 * dim + Linear(config.text_dim, dim) + Linear(dim, dim) + Linear(config.freq_dim, dim) +
         Linear(dim, dim) + Linear(dim, 6 * dim);
}

int64_t TextEncoderParameters(const TextEncoderConfig& config) {
  const int64_t block = 4 * config.dim * config.attention_dim + 3 * config.dim * config.ffn_dim +
                        2 * config.dim + config.num_buckets * config.num_heads;
  return config.vocab_size * config.dim + config.num_layers * block + config.dim;
}

}  // namespace t3
