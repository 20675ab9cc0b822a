// Counting and sorting packets.
#include "media/ffmpeg/frame_index.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

// Sorts by time; false when a frame has none, or shares it with another.
bool Order(std::vector<FrameStamp>& stamps) {
  std::sort(stamps.begin(), stamps.end(),
            [](const FrameStamp& a, const FrameStamp& b) { return a.time < b.time; });
  const auto same = [](const FrameStamp& a, const FrameStamp& b) { return a.time == b.time; };
  return (stamps.empty() || stamps.front().time != AV_NOPTS_VALUE) &&
         std::adjacent_find(stamps.begin(), stamps.end(), same) == stamps.end();
}

// Without what is decoded or shown before the first key frame, where that is not the first frame.
// A stream without key frames (intra refresh) stays as it is.
bool DropStart(std::vector<FrameStamp>& stamps) {
  const auto key =
      std::find_if(stamps.begin(), stamps.end(), [](auto& stamp) { return stamp.key; });
  if (key == stamps.begin() || key == stamps.end()) return false;
  const int64_t first = key->time;
  stamps.erase(stamps.begin(), key);
  std::erase_if(stamps, [&](const FrameStamp& stamp) { return stamp.time < first; });
  return true;
}

}  // namespace

FrameIndex ReadFrameIndex(const std::string& path) {
  Demuxer demuxer(path);
  const AvPtr<AVPacket> packet = MakePacket();
  std::vector<FrameStamp> by_pts, by_dts;
  int64_t packets = 0;
  bool begins_with_key = false;
  bool corrupt = false;
  for (; demuxer.Read(*packet); ++packets) {
    if (packets == 0) begins_with_key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    corrupt = corrupt || (packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
    // Discarded: decoded, but not shown, as before the start of an edit list. Empty: a frame that
    // was dropped in recording; the one before it is shown for longer.
    if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0 || packet->size == 0) continue;
    const bool key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    by_pts.push_back({packet->pts, key});
    by_dts.push_back({packet->dts, key});
  }
  const double last = demuxer.last_seconds();
  // Not the header's count of frames: AVI counts dropped ones as well.
  const int entries = avformat_index_get_entries_count(&demuxer.stream());
  T3_CHECK(packets >= entries, "{} is cut short: it has {} of {}, up to {:.2f} s", path, packets,
           Counted(entries, "frame"), last);
  T3_CHECK(!corrupt, "{} is cut short or damaged: FFmpeg finds broken packets in it after {:.2f} s",
           path, last);
  const double end = demuxer.end_in_header().value_or(last);
  T3_CHECK(end - last < 1 + 0.02 * end, "{} is cut short: it ends at {:.2f} s of {:.2f} s", path,
           last, end);
  const bool dropped = !begins_with_key && DropStart(by_pts);
  if (Order(by_pts)) return {std::move(by_pts), true, true, dropped};
  const bool has_times = Order(by_dts);
  return {std::move(by_dts), false, has_times, false};
}

}  // namespace t3
