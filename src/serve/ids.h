// Names that cannot be guessed.
#pragma once

#include <string>
#include <string_view>

namespace t3::serve {

// `bytes` random bytes of the system as lower-case hexadecimal digits. Throws Error when the system
// has none.
std::string RandomHex(size_t bytes);

// "video_" and 32 digits: 128 random bits.
std::string NewVideoId();

// Whether a text from a client has that form. Nothing else is used as the name of a job or a file.
bool IsVideoId(std::string_view text);

}  // namespace t3::serve
