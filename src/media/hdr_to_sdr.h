// Colours of HDR and wide-gamut video as BT.709 video shows them.
#pragma once

#include <cstdint>

namespace t3 {

// From code values to light. BT.1886 is the curve of every SDR display.
enum class Transfer { kBt1886, kPq, kHlg };
enum class Gamut { kBt709, kBt2020, kDisplayP3 };

struct ColourVolume {
  Transfer transfer = Transfer::kBt1886;
  Gamut gamut = Gamut::kBt709;
  bool is_bt709() const { return transfer == Transfer::kBt1886 && gamut == Gamut::kBt709; }
};

// Converts R'G'B' (3, pixels) fp32 in [-1, 1] in place. Light up to some 90 cd/m2 stays as it is;
// 90 to 1,000 cd/m2 is compressed up to SDR white by the curve of BT.2390, where SDR white is the
// reference white of BT.2408, 203 cd/m2. The curve acts on the largest of R, G and B, so hues stay.
// HLG is taken as on its nominal display of 1,000 cd/m2. Brighter light and colours outside BT.709
// are clipped. A constant curve, not one from each file's metadata: metadata come and go between
// frames, which would make the picture pulse.
void ToBt709(const ColourVolume& from, int64_t pixels, float* rgb, int threads);

}  // namespace t3
