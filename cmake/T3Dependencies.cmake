# Libraries other than libtorch, from the system's packages.
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
if(T3_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
find_package(PNG REQUIRED)
find_package(PkgConfig REQUIRED)
# Not by its .pc file: Ubuntu's names protobuf-lite, which the package does not bring.
find_path(SENTENCEPIECE_INCLUDE_DIR sentencepiece_processor.h REQUIRED)
find_library(SENTENCEPIECE_LIBRARY sentencepiece REQUIRED)
add_library(t3_sentencepiece INTERFACE)
target_include_directories(t3_sentencepiece SYSTEM INTERFACE "${SENTENCEPIECE_INCLUDE_DIR}")
# Before libtorch: both export FLAGS_minloglevel, an int in libc10 and an object of 32 bytes here, and
# the dynamic linker takes the first for both. libc10's would be too small for what is constructed in it.
target_link_options(t3_sentencepiece INTERFACE -Wl,--no-as-needed "${SENTENCEPIECE_LIBRARY}")
target_link_libraries(t3_sentencepiece INTERFACE "${SENTENCEPIECE_LIBRARY}")
# Its headers do not say their version; the .pc file beside the library does.
set(SENTENCEPIECE_VERSION "of unknown version")
get_filename_component(folder "${SENTENCEPIECE_LIBRARY}" DIRECTORY)
if(EXISTS "${folder}/pkgconfig/sentencepiece.pc")
  file(STRINGS "${folder}/pkgconfig/sentencepiece.pc" line REGEX "^Version:")
  string(REGEX REPLACE "^Version: *" "" SENTENCEPIECE_VERSION "${line}")
endif()
if(T3_FFMPEG)
  # From FFmpeg 5.1 on; older ones describe channels of sound in other fields.
  pkg_check_modules(FFMPEG IMPORTED_TARGET
    libavcodec libavformat libavutil>=57.28 libswresample libswscale)
else()
  # Over what an earlier configuration found.
  set(FFMPEG_FOUND OFF)
  set(FFMPEG_libavcodec_VERSION "")
endif()
