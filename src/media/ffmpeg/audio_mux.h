// Adds the sound of one file to the pictures of another, in a decoding process.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

// Whether and how the sound of `source` goes into the file `output`, as two texts (PackTexts):
// "carried" or "left out", and a note for the user, which may be empty. Throws Error when the
// source has no sound that FFmpeg reads.
std::string PlanAudioHere(const std::string& source, const std::string& output);

// `texts`: the output, then silent, combined, start, seconds and the metadata's keys and values of
// AudioJob. Throws Error.
void AddAudioHere(const std::string& source, std::string_view texts);

}  // namespace t3
