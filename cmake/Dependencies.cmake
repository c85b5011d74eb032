# The libraries of Debian 12 that Auspex stands on.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(AX_PC REQUIRED IMPORTED_TARGET
  libprotobuf-c snappy libmicrohttpd gnutls libcrypt libcurl sqlite3 yaml-0.1 re2 libxxhash libzstd jansson libical)
find_library(AX_SNAPPY snappy REQUIRED)

add_library(ax_dependencies INTERFACE)
target_link_libraries(ax_dependencies INTERFACE PkgConfig::AX_PC ${AX_SNAPPY} Threads::Threads m)
if(AX_BLAS STREQUAL "openblas")
  # The pthread build by its own name: the alternatives system may point elsewhere.
  pkg_check_modules(AX_OPENBLAS REQUIRED IMPORTED_TARGET openblas)
  target_link_libraries(ax_dependencies INTERFACE PkgConfig::AX_OPENBLAS)
endif()

# Gradient-boosted trees (forecast.trees) are fitted by XGBoost, where it is; the rest does without.
set(AX_XGBOOST "auto" CACHE STRING "fit gradient-boosted trees by XGBoost: auto (where libxgboost-dev is), ON or OFF")
find_path(AX_XGBOOST_INCLUDE xgboost/c_api.h)
find_library(AX_XGBOOST_LIBRARY xgboost)
if(AX_XGBOOST STREQUAL "ON" AND NOT (AX_XGBOOST_INCLUDE AND AX_XGBOOST_LIBRARY))
  message(FATAL_ERROR "AX_XGBOOST=ON, and there is no libxgboost-dev")
endif()
if(AX_XGBOOST AND AX_XGBOOST_INCLUDE AND AX_XGBOOST_LIBRARY)
  set(AX_HAVE_XGBOOST TRUE)
  target_compile_definitions(ax_dependencies INTERFACE AX_HAVE_XGBOOST)
  target_link_libraries(ax_dependencies INTERFACE ${AX_XGBOOST_LIBRARY})
endif()
