// The middle block of the streaming encoder and decoder.
#pragma once

#include <string>

#include "models/vae/attention_block.h"
#include "models/vae/stream_block.h"

namespace t3 {

// MiddleBlock (models/vae/middle_block.h) for inference: residual, attention, residual.
class StreamMiddle {
 public:
  struct State {
    StreamBlock::State first, last;
  };

  // Takes `prefix`.{0,1,2}.
  StreamMiddle(const TensorMap& tensors, const std::string& prefix);

  // x: whole frames, because the attention's keys are of all rows. Output rows `rows`: only their
  // queries, and those of the rows that the last block reads, are computed. `score_bytes` bounds
  // the attention scores in memory at a time.
  MapRows operator()(MapRows x, const RowRange& rows, int64_t score_bytes, State& state,
                     const PollFn& poll) const;

 private:
  StreamBlock first_;
  at::Tensor gamma_;
  AttentionBlock attention_;
  StreamBlock last_;
};

}  // namespace t3
