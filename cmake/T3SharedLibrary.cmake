# libt3video.so: the objects of every folder in one library, which is what programs link.
get_property(T3_LIBRARIES GLOBAL PROPERTY T3_LIBRARIES)
add_library(t3video SHARED)
add_library(t3video::t3video ALIAS t3video)
foreach(library ${T3_LIBRARIES})
  # The objects give the code; linking the archive after them adds no code, but brings the
  # folder's own dependencies (libtorch, FFmpeg, ...).
  target_sources(t3video PRIVATE $<TARGET_OBJECTS:${library}>)
  target_link_libraries(t3video PRIVATE ${library})
endforeach()
target_include_directories(t3video PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(t3video PUBLIC cxx_std_20)
set_target_properties(t3video PROPERTIES
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")

# t3_program(NAME SOURCES ... [DEPS ...])
# An executable at the top of the build folder that runs in place, installed to bin/. It sees
# include/t3video and, from src/, what needs no other folder's types (base).
function(t3_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${name} PRIVATE t3video ${ARG_DEPS} t3_flags t3_cxx_library)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}"
    BUILD_RPATH "$ORIGIN")
  set_property(GLOBAL APPEND PROPERTY T3_PROGRAMS ${name})
endfunction()
