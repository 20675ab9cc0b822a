// What the seconds of a decode into a video consist of (Stage::Lap), as records name it.
#pragma once

namespace t3::laps {

// Until the decoder gives the first rows: planning, memory, and what libraries do once.
inline constexpr char kFirstRows[] = "first rows";
inline constexpr char kDecoder[] = "decoder";            // afterwards
inline constexpr char kConverting[] = "converting";      // to the file's samples; whole frames
inline constexpr char kOtherRanks[] = "other ranks";     // waiting for rows of theirs
inline constexpr char kSpool[] = "spool file";           // writing and reading it
inline constexpr char kCopying[] = "copying";            // to the host
inline constexpr char kFile[] = "waiting for the file";  // for room in the queue, and for its end
inline constexpr char kWriting[] = "writing";            // on its thread, beside all of these

}  // namespace t3::laps
