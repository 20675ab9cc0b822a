# Headers that cost more than what includes them, precompiled. Not by default: ccache takes no
# precompiled header.
option(T3_PCH "Precompile headers (builds without ccache)" OFF)

# t3_precompile(TARGET KIND): KIND is test, torch_test or torch. torch, for libraries, is for clang only:
# g++ 12's error about literals (T3Targets.cmake) would come in more forms, and its builds see a file that
# forgets to include ATen.
function(t3_precompile target kind)
  if(NOT T3_PCH OR (kind STREQUAL "torch" AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang"))
    return()
  endif()
  if(NOT TARGET t3_pch_${kind})
    add_library(t3_pch_${kind} OBJECT "${PROJECT_SOURCE_DIR}/cmake/precompiled.cc")
    target_link_libraries(t3_pch_${kind} PRIVATE t3_flags)
    if(kind MATCHES "torch")
      target_precompile_headers(t3_pch_${kind} PRIVATE <ATen/ATen.h>)
      target_link_libraries(t3_pch_${kind} PRIVATE t3_torch)
    endif()
    if(kind MATCHES "test")
      target_precompile_headers(t3_pch_${kind} PRIVATE
        <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>)
      target_link_libraries(t3_pch_${kind} PRIVATE t3_test_flags GTest::gmock)
      set_target_properties(t3_pch_${kind} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(t3_pch_${kind} PRIVATE -fPIE)  # as executables
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM t3_pch_${kind})
endfunction()
