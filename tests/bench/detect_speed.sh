#!/bin/sh
# What detectors of entities cost on one core, in CPU time; the isolation forest beside scikit-learn's in the same run.
#
# usage: tests/bench/detect_speed.sh [BUILD-FOLDER]      (default: build/gcc)
#
# FEATURES (16), SECONDS_EACH (2; of each measure), ENTITIES (1000) and TICKS (10) change the load.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build/gcc}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export OPENBLAS_NUM_THREADS=1

"$build/tests/bench/forest" "${FEATURES:-16}" "${SECONDS_EACH:-2}" >"$dir/forest"
/usr/bin/python3 tests/bench/forest_sklearn.py "${FEATURES:-16}" "${SECONDS_EACH:-2}" >"$dir/sklearn" || {
    echo "tests/bench/detect_speed.sh: no scikit-learn (Debian's python3-sklearn): no column of it" >&2
    echo "none 0" >"$dir/sklearn"
}
awk 'FNR == NR { peer[$1] = $2; next }
    FNR == 1 { printf "%-26s %12s %14s %8s\n", "one core, CPU time", "auspex", "scikit-learn", "ratio" }
    !($1 in peer) { printf "%-26s %12s\n", $1, $2; next }
    { printf "%-26s %12s %14s %8.1f\n", $1, $2, peer[$1], ($1 ~ /_(ms|us)$/ ? peer[$1] / $2 : $2 / peer[$1]) }
    END { if ("sklearn" in peer) print "scikit-learn " peer["sklearn"] }' "$dir/sklearn" "$dir/forest"
echo
"$build/tests/bench/ensemble" "${ENTITIES:-1000}" "${TICKS:-10}" | awk '{ printf "%-26s %12s\n", $1, $2 }'
echo
echo "a step of ${ENTITIES:-1000} entities of 40 features through the job: expressions, features' detectors, ensemble, outputs"
"$build/tests/bench/entity_tick" "$dir" "${ENTITIES:-1000}" 130 "${TICKS:-10}" | awk '{ printf "%-26s %12s\n", $1, $2 }'
