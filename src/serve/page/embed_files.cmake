# Writes OUTPUT, C++ with the bytes of FILES (names in FOLDER) behind PageFiles() of
# serve/page_file.h. Run as a script: cmake -DFILES=... -DFOLDER=... -DOUTPUT=... -P embed_files.cmake
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

set(table "")
foreach(name ${FILES})
  string(REGEX REPLACE ".*\\." "" extension "${name}")
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "embed_files.cmake: ${name} has no content type; add type_${extension}")
  endif()
  file(READ "${FOLDER}/${name}" hex HEX)
  file(SHA256 "${FOLDER}/${name}" digest)
  file(SIZE "${FOLDER}/${name}" size)
  string(SUBSTRING "${digest}" 0 16 digest)
  # 24 bytes a line. Every byte is an escape, so that none can end the literal or extend another.
  string(REGEX REPLACE "(................................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" hex "${hex}")
  string(REPLACE "\n" "\"\n     \"" hex "${hex}")
  string(APPEND table
    "    {\"${name}\", \"${type_${extension}}\",\n     {\"${hex}\", ${size}},\n"
    "     \"\\\"${digest}\\\"\"},\n")
endforeach()

file(WRITE "${OUTPUT}" "// Written by embed_files.cmake from src/serve/page.
#include \"serve/page_file.h\"

namespace t3 {
namespace {

constexpr PageFile kPageFiles[] = {
${table}};

}  // namespace

std::span<const PageFile> PageFiles() { return kPageFiles; }

}  // namespace t3
")
