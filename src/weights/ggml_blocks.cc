// The formulas of the block formats. Products are rounded before they are added: this file is
// compiled without contraction to fused multiply-add.
#include "weights/ggml_blocks.h"

#include "base/check.h"
#include "weights/half.h"

namespace t3 {
namespace {

// A block is read byte by byte: files promise no alignment.
class Block {
 public:
  explicit Block(const std::byte* data) : data_(data) {}

  int Byte(int64_t at) const { return std::to_integer<int>(data_[at]); }
  int Signed(int64_t at) const { return static_cast<int8_t>(data_[at]); }
  int Low(int64_t at) const { return Byte(at) & 15; }
  int High(int64_t at) const { return Byte(at) >> 4; }

  float Half(int64_t at) const {
    return HalfToFloat(static_cast<uint16_t>(Byte(at) | Byte(at + 1) << 8));
  }

  uint32_t Word(int64_t at) const {
    return static_cast<uint32_t>(Byte(at)) | static_cast<uint32_t>(Byte(at + 1)) << 8 |
           static_cast<uint32_t>(Byte(at + 2)) << 16 | static_cast<uint32_t>(Byte(at + 3)) << 24;
  }

 private:
  const std::byte* data_;
};

// 32 values: two halves of 16, low nibbles first.

void Q4_0(Block b, float* y) {
  const float d = b.Half(0);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(b.Low(2 + i) - 8);
    y[i + 16] = d * static_cast<float>(b.High(2 + i) - 8);
  }
}

void Q4_1(Block b, float* y) {
  const float d = b.Half(0), m = b.Half(2);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(b.Low(4 + i)) + m;
    y[i + 16] = d * static_cast<float>(b.High(4 + i)) + m;
  }
}

// The fifth bit of value i is bit i of a 32-bit word.
int Fifth(uint32_t bits, int i) { return static_cast<int>(bits >> i & 1) << 4; }

void Q5_0(Block b, float* y) {
  const float d = b.Half(0);
  const uint32_t high = b.Word(2);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>((b.Low(6 + i) | Fifth(high, i)) - 16);
    y[i + 16] = d * static_cast<float>((b.High(6 + i) | Fifth(high, i + 16)) - 16);
  }
}

void Q5_1(Block b, float* y) {
  const float d = b.Half(0), m = b.Half(2);
  const uint32_t high = b.Word(4);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(b.Low(8 + i) | Fifth(high, i)) + m;
    y[i + 16] = d * static_cast<float>(b.High(8 + i) | Fifth(high, i + 16)) + m;
  }
}

void Q8_0(Block b, float* y) {
  const float d = b.Half(0);
  for (int i = 0; i < 32; ++i) y[i] = d * static_cast<float>(b.Signed(2 + i));
}

// 256 values: sub-blocks of 16 or 32, each with its own scale (and minimum) of a few bits.

void Q2K(Block b, float* y) {  // scales[16], quants[64], d, dmin
  const float d = b.Half(80), dmin = b.Half(82);
  for (int group = 0; group < 16; ++group) {
    const float scale = d * static_cast<float>(b.Low(group));
    const float min = dmin * static_cast<float>(b.High(group));
    const int at = 16 + group / 8 * 32 + group % 2 * 16, shift = group % 8 / 2 * 2;
    for (int l = 0; l < 16; ++l) {
      y[group * 16 + l] = scale * static_cast<float>(b.Byte(at + l) >> shift & 3) - min;
    }
  }
}

// Sixteen 6-bit scales in 12 bytes: four low bits each in bytes 0 to 7, two high bits in 8 to 11.
int ScaleOfQ3(Block b, int64_t at, int i) {
  const int low = i < 8 ? b.Low(at + i) : b.High(at + i - 8);
  const int high = b.Byte(at + 8 + i % 4) >> (i / 4 * 2) & 3;
  return (low | high << 4) - 32;
}

void Q3K(Block b, float* y) {  // high bits[32], quants[64], scales[12], d
  const float d = b.Half(108);
  for (int group = 0; group < 16; ++group) {
    const float scale = d * static_cast<float>(ScaleOfQ3(b, 96, group));
    const int at = group / 8 * 32 + group % 2 * 16, shift = group % 8 / 2 * 2;
    for (int l = 0; l < 16; ++l) {
      const int low = b.Byte(32 + at + l) >> shift & 3;
      const int high = b.Byte(group % 2 * 16 + l) >> (group / 2) & 1;
      y[group * 16 + l] = scale * static_cast<float>(low + 4 * high - 4);
    }
  }
}

struct ScaleAndMin {
  float scale, min;
};

// Eight pairs of 6 bits in 12 bytes (Q4_K, Q5_K), times d and dmin.
ScaleAndMin ScaleOfQ4(Block b, int i) {
  const float d = b.Half(0), dmin = b.Half(2);
  const int64_t s = 4;
  int scale = 0, min = 0;
  if (i < 4) {
    scale = b.Byte(s + i) & 63;
    min = b.Byte(s + i + 4) & 63;
  } else {
    scale = b.Low(s + i + 4) | b.Byte(s + i - 4) >> 6 << 4;
    min = b.High(s + i + 4) | b.Byte(s + i) >> 6 << 4;
  }
  return {d * static_cast<float>(scale), dmin * static_cast<float>(min)};
}

// Sub-blocks 2k and 2k+1 are the low and high nibbles of the same 32 bytes.
int NibbleOfQ4(Block b, int64_t at, int group, int l) {
  const int64_t byte = at + group / 2 * 32 + l;
  return group % 2 == 0 ? b.Low(byte) : b.High(byte);
}

void Q4K(Block b, float* y) {  // d, dmin, scales[12], quants[128]
  for (int group = 0; group < 8; ++group) {
    const ScaleAndMin s = ScaleOfQ4(b, group);
    for (int l = 0; l < 32; ++l) {
      y[group * 32 + l] = s.scale * static_cast<float>(NibbleOfQ4(b, 16, group, l)) - s.min;
    }
  }
}

void Q5K(Block b, float* y) {  // d, dmin, scales[12], high bits[32], quants[128]
  for (int group = 0; group < 8; ++group) {
    const ScaleAndMin s = ScaleOfQ4(b, group);
    for (int l = 0; l < 32; ++l) {
      const int q = NibbleOfQ4(b, 48, group, l) | (b.Byte(16 + l) >> group & 1) << 4;
      y[group * 32 + l] = s.scale * static_cast<float>(q) - s.min;
    }
  }
}

void Q6K(Block b, float* y) {  // low[128], high[64], scales[16] (signed), d
  const float d = b.Half(208);
  for (int group = 0; group < 16; ++group) {
    const float scale = d * static_cast<float>(b.Signed(192 + group));
    const int half = group / 8, quarter = group % 8 / 2, first = group % 2 * 16;
    for (int l = first; l < first + 16; ++l) {
      const int64_t byte = half * 64 + quarter % 2 * 32 + l;
      const int low = quarter < 2 ? b.Low(byte) : b.High(byte);
      const int high = b.Byte(128 + half * 32 + l) >> (quarter * 2) & 3;
      y[half * 128 + quarter * 32 + l] = scale * static_cast<float>((low | high << 4) - 32);
    }
  }
}

using Dequantise = void (*)(Block, float*);

Dequantise DequantiserOf(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return Q4_0;
    case DType::kQ4_1:
      return Q4_1;
    case DType::kQ5_0:
      return Q5_0;
    case DType::kQ5_1:
      return Q5_1;
    case DType::kQ8_0:
      return Q8_0;
    case DType::kQ2K:
      return Q2K;
    case DType::kQ3K:
      return Q3K;
    case DType::kQ4K:
      return Q4K;
    case DType::kQ5K:
      return Q5K;
    case DType::kQ6K:
      return Q6K;
    default:
      Fail("{} is not a quantised dtype", DTypeName(dtype));
  }
}

}  // namespace

void DequantiseBlocks(DType dtype, const std::byte* data, int64_t blocks, float* out) {
  const Dequantise dequantise = DequantiserOf(dtype);
  const DTypeBlock block = BlockOf(dtype);
  for (int64_t i = 0; i < blocks; ++i) {
    dequantise(Block(data + i * block.bytes), out + i * block.elements);
  }
}

}  // namespace t3
