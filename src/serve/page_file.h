// The files of the web page, which are part of the program.
#pragma once

#include <span>
#include <string_view>

namespace t3 {

struct PageFile {
  std::string_view name;  // "index.html" is `/`; NAME is `/page/NAME`
  std::string_view type;  // "text/html; charset=utf-8"
  std::string_view bytes;
  std::string_view etag;  // with its quotes; changes with the bytes
};

// All of them, from src/serve/page.
std::span<const PageFile> PageFiles();

}  // namespace t3
