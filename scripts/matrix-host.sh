#!/usr/bin/env bash
# Runs a command on a software driver with subgroup matrices (Mesa 26's lavapipe), so that the kernels for tensor cores
# are executed and tested where there is no GPU. That Mesa needs a newer C library than most systems have, so a small
# root file system of Debian's development release is kept in the user's cache, with Node in it.
#
#   matrix-host.sh --make              make the root file system, once: a minute, 700 MB, as root, on Debian or Ubuntu
#   matrix-host.sh --check             say why it cannot be used, if so (exit status 1)
#   matrix-host.sh COMMAND [ARG ...]   run a command in it, in this folder, with this environment
set -euo pipefail
root=${TAL_MATRIX_HOST:-${XDG_CACHE_HOME:-$HOME/.cache}/tal-webgpu/matrix-host}

fail() {
  echo "$1"
  exit 1
}

check() {
  [ -e "$root/.ready" ] || fail 'not made: run scripts/matrix-host.sh --make as root'
  [ "$(id -u)" = 0 ] || fail 'it needs root'
  unshare --mount true 2>/dev/null || fail 'this system lets nobody mount, not even root'
}

make() {
  [ -e "$root/.ready" ] && return
  [ "$(id -u)" = 0 ] || fail 'it needs root'
  unshare --mount true 2>/dev/null || fail 'this system lets nobody mount, not even root'
  command -v apt-get >/dev/null || fail 'it is made with the packages of Debian: this system has no apt-get'
  if ! command -v debootstrap >/dev/null; then
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; } >/dev/null 2>&1 ||
      fail 'debootstrap could not be installed'
  fi
  # The mirror that this machine uses, where it is one of Debian's; debootstrap has its own for other machines.
  local mirror
  mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true)
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  {
    debootstrap --variant=minbase --include=ca-certificates sid "$root" ${mirror:+"$mirror"} &&
      chroot "$root" apt-get install -y -qq --no-install-recommends mesa-vulkan-drivers libvulkan1 nodejs &&
      chroot "$root" apt-get clean
  } >"$root.log" 2>&1 || fail "Debian's development release could not be installed, see $root.log"
  touch "$root/.ready"
}

case ${1:-} in
--make) make ;;
--check) check ;;
'' | -*) fail "usage: $0 --make | --check | COMMAND [ARG ...]" ;;
*)
  check
  # The mounts are this process's own and go with it. The drivers of the system around it are not for this one.
  unset VK_DRIVER_FILES VK_ICD_FILENAMES VK_ADD_DRIVER_FILES XDG_CACHE_HOME
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root XDG_RUNTIME_DIR=/tmp
  exec unshare --mount -- bash -c '
    root=$1 here=$PWD; shift
    for folder in /proc /sys /dev "$here"; do mkdir -p "$root$folder"; mount --rbind "$folder" "$root$folder"; done
    exec chroot "$root" sh -c '\''cd "$0" && exec "$@"'\'' "$here" "$@"' matrix-host "$root" "$@"
  ;;
esac
