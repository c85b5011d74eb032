# The warnings that all code lives under, for gcc and clang.
add_library(ax_warnings INTERFACE)
target_compile_options(ax_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wfloat-conversion
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes> -Wundef -Wvla -Wcast-qual -Wformat=2 -Wnull-dereference
  -fno-math-errno -fno-omit-frame-pointer -fstack-protector-strong)
# No -ffast-math anywhere: the stale marker is a NaN whose bits are data.
if(AX_WERROR)
  target_compile_options(ax_warnings INTERFACE -Werror)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # clang 14 also warns of NAN and INFINITY, which are floats.
  target_compile_options(ax_warnings INTERFACE -Wdouble-promotion)
  # False alarms of gcc 12 once sanitizers have rewritten the code.
  if(AX_SANITIZE)
    target_compile_options(ax_warnings INTERFACE -Wno-null-dereference -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-format-truncation)
  endif()
endif()
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT AX_SANITIZE)
  target_compile_definitions(ax_warnings INTERFACE _FORTIFY_SOURCE=2)
endif()
