#!/usr/bin/env bash
# Everything that is to be known of a GPU, in one go and about 25 minutes: whether all kernels are right on it, how fast
# each variant is, which of them are chosen, and what PyTorch reaches there, where it is installed.
#
#   bench/gpu-run.sh [FOLDER]     in a built copy of the project (dist/ and node_modules/); default bench/results/gpu
#
# The results name adapter and driver; commit those worth keeping to bench/results/. Nothing is downloaded or compiled.
# The kernel tests need native/build, made on a machine with the same processor architecture.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:-bench/results/gpu}
mkdir -p "$out"
tal() { node dist/src/cli/main.js --adapter hardware "$@"; }
step() {
  local name=$1
  shift
  echo "== $name"
  "$@" >"$out/$name.txt" 2>&1
  local status=$?
  tail -n 4 "$out/$name.txt"
  [ $status = 0 ] || { echo "== $name FAILED ($status), see $out/$name.txt"; failed="$failed $name"; }
}
failed=
step doctor tal doctor
[ -z "$failed" ] || { cat "$out/doctor.txt"; exit 1; }
step kernel-tests node dist/test/run.js --driver hardware --filter ops/ --filter runtime/
for storage in f32 f16; do
  step "bench-$storage" tal bench --storage $storage --rounds 5 --json "$out/bench-$storage.json"
  step "tune-$storage" tal bench --tune --storage $storage --rounds 3 --json "$out/tuned-$storage.json"
done
step layer tal bench --layer --rounds 5 --json "$out/layer.json"
step host-time tal bench --host-time --json "$out/host-time.json"
step start-up tal bench --start-up --rounds 3 --json "$out/start-up.json"
if python3 -c 'import torch' 2>/dev/null; then
  step torch python3 bench/torch_reference.py --json "$out/torch.json"
else
  echo '== no PyTorch on this machine: nothing to compare with'
fi
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
echo "results in $out"
