# The shipped model: packed in the repository (weights in bf16 shrink by a third), unpacked here into
# the build folder, where the library looks for it and from where it is installed.
set(T3_DEMO_ARCHIVE "${PROJECT_SOURCE_DIR}/models/demo.tar.xz")
set(T3_DEMO_MODEL "${PROJECT_BINARY_DIR}/models/demo")

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${T3_DEMO_ARCHIVE}")
file(SHA256 "${T3_DEMO_ARCHIVE}" digest)
set(stamp "${PROJECT_BINARY_DIR}/models/demo.sha256")
set(unpacked "")
if(EXISTS "${stamp}")
  file(READ "${stamp}" unpacked)
endif()
if(NOT unpacked STREQUAL digest)
  file(REMOVE_RECURSE "${T3_DEMO_MODEL}")
  file(ARCHIVE_EXTRACT INPUT "${T3_DEMO_ARCHIVE}" DESTINATION "${T3_DEMO_MODEL}")
  file(WRITE "${stamp}" "${digest}")
endif()

# Plans that were found the fastest on GPUs that have been measured (docs/design/kernels.md).
configure_file("${PROJECT_SOURCE_DIR}/models/plans.json"
  "${PROJECT_BINARY_DIR}/plans.json" COPYONLY)
