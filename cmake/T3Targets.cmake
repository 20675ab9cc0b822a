# How a folder of src/ becomes a target: t3_library() and t3_tests().
include(GNUInstallDirs)
# One folder's archive does not wait for another's: only their headers matter.
set(CMAKE_OPTIMIZE_DEPENDENCIES ON)

add_library(t3_flags INTERFACE)
target_compile_options(t3_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow>)
# g++ 12's -Wrestrict is wrong about a std::string that is assigned a literal (GCC bug 105651).
target_compile_options(t3_flags INTERFACE
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict>)
if(T3_WERROR)
  target_compile_options(t3_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
# Tests are compiled more often than they run.
add_library(t3_test_flags INTERFACE)
target_compile_options(t3_test_flags INTERFACE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-O1>)
if(T3_SANITIZE)
  add_compile_options(-fsanitize=${T3_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${T3_SANITIZE})
  # g++ reports the standard library's own code here; the sanitizers look at what really happens.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()

# Makes clang-tidy accept the file that includes all of a target's sources (scripts/lint.sh).
function(t3_tidy_together target)
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD_CODE_BEFORE_INCLUDE "// NOLINTNEXTLINE(bugprone-suspicious-include)")
endfunction()

# t3_library(NAME SOURCES ... [DEPS ...] [TORCH] [PROGRAM])
# Static library t3_NAME. It is compiled as one file, so names in anonymous namespaces are unique in
# a folder; TORCH folders also where CMAKE_UNITY_BUILD is OFF, because every file that includes ATen
# costs 7 to 24 s. PROGRAM: for programs, which link it besides libt3video.
function(t3_library name)
  cmake_parse_arguments(ARG "TORCH;PROGRAM" "" "SOURCES;DEPS" ${ARGN})
  add_library(t3_${name} STATIC ${ARG_SOURCES})
  target_include_directories(t3_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(t3_${name} PUBLIC ${ARG_DEPS} PRIVATE t3_flags)
  t3_tidy_together(t3_${name})
  # The preset asan does not optimise, which takes clang half the time. Readers and planner, which tests
  # and fuzz targets run millions of times, are.
  if(T3_SANITIZE AND NOT ARG_TORCH AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(t3_${name} PRIVATE -O1)
  endif()
  if(ARG_TORCH)
    target_link_libraries(t3_${name} PUBLIC t3_torch)
    set_target_properties(t3_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    t3_precompile(t3_${name} torch)
  endif()
  if(NOT ARG_PROGRAM)
    set_property(GLOBAL APPEND PROPERTY T3_LIBRARIES t3_${name})
  endif()
  if("${ARG_SOURCES}" MATCHES "(^|[;/])cuda/")
    set_property(GLOBAL APPEND PROPERTY T3_CUDA_LIBRARIES t3_${name})
  endif()
endfunction()

# t3_tests(NAME SOURCES ... [DEPS ...] [TORCH] [GPU] [SHARDS n])
# Executable NAME_test and one test of ctest for it, NAME: a process for each case would spend more
# time loading libtorch than testing. SHARDS splits a long one into NAME.1 to NAME.n, which run side
# by side. The working directory is the source root. GPU: the label gpu, in CUDA builds only.
# ONE_THREAD: for many small operations, which more threads slow down while other tests run (20 times
# on two cores). T3_TEST_DEVICE is "cpu" or "cuda". NAME_TESTS becomes the names of ctest's tests.
function(t3_tests name)
  cmake_parse_arguments(ARG "TORCH;GPU;ONE_THREAD" "SHARDS" "SOURCES;DEPS" ${ARGN})
  if(NOT T3_BUILD_TESTS OR (ARG_GPU AND NOT T3_CUDA))
    return()
  endif()
  add_executable(${name}_test ${ARG_SOURCES})
  target_link_libraries(${name}_test PRIVATE ${ARG_DEPS} t3_flags t3_test_flags GTest::gmock
    GTest::gtest_main)
  target_compile_definitions(${name}_test PRIVATE T3_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    T3_TEST_DEVICE="$<IF:$<BOOL:${ARG_GPU}>,cuda,cpu>")
  if(ARG_TORCH)
    set_target_properties(${name}_test PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    t3_precompile(${name}_test torch_test)
  else()
    t3_precompile(${name}_test test)
  endif()
  if(NOT ARG_SHARDS)
    set(ARG_SHARDS 1)
  endif()
  set(tests "")
  foreach(shard RANGE 1 ${ARG_SHARDS})
    set(test ${name})
    if(ARG_SHARDS GREATER 1)
      set(test ${name}.${shard})
    endif()
    add_test(NAME ${test} COMMAND ${name}_test WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    list(APPEND tests ${test})
    math(EXPR index "${shard} - 1")
    set_tests_properties(${test} PROPERTIES COST ${ARG_SHARDS}  # those with shards are long: first
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${index}")
    if(ARG_GPU)
      set_tests_properties(${test} PROPERTIES LABELS gpu)
    endif()
    if(ARG_ONE_THREAD)
      set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT OMP_NUM_THREADS=1)
    endif()
  endforeach()
  set(${name}_TESTS ${tests} PARENT_SCOPE)
endfunction()

# t3_device_tests(NAME ...): t3_tests of the same sources on the CPU (NAME) and on a GPU (NAME_gpu).
function(t3_device_tests name)
  t3_tests(${name} TORCH ${ARGN})
  t3_tests(${name}_gpu TORCH GPU ${ARGN})
endfunction()
