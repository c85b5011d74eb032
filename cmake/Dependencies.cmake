# The libraries of Debian 12 that Auspex stands on.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(AX_PC REQUIRED IMPORTED_TARGET
  libprotobuf-c snappy libmicrohttpd gnutls libcrypt libcurl sqlite3 yaml-0.1 libpcre2-8 libxxhash libzstd jansson libical)
find_library(AX_SNAPPY snappy REQUIRED)

add_library(ax_dependencies INTERFACE)
target_link_libraries(ax_dependencies INTERFACE PkgConfig::AX_PC ${AX_SNAPPY} Threads::Threads m)
if(AX_BLAS STREQUAL "openblas")
  # The pthread build by its own name: the alternatives system may point elsewhere.
  pkg_check_modules(AX_OPENBLAS REQUIRED IMPORTED_TARGET openblas)
  target_link_libraries(ax_dependencies INTERFACE PkgConfig::AX_OPENBLAS)
endif()
