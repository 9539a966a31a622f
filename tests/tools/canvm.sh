#!/bin/sh
# Usage: canvm.sh [options] [--] COMMAND [ARG...]
#
# Run COMMAND under a Linux kernel that has SocketCAN, when the running kernel
# has not. The guest sees the file system of the host (same paths, same current
# directory), has vcan0 and vcan1 up, and lo up. Output is passed on (live with
# uml, at the end with qemu); the exit status of COMMAND is the exit status of
# this script (124: time limit, 125: the guest did not come up, 127: command not
# found).
#
#   -m uml|qemu  guest: 'uml' (default; package user-mode-linux, no KVM, no root)
#                or 'qemu' (linux-image-amd64 + installed qemu-system-x86_64,
#                pure emulation; also has can0 and can1, two emulated SJA1000
#                controllers on one bus, up with 500 kbit/s, for bitrate and
#                netlink tests; that part needs iproute2's ip on the host)
#   -n N         number of vcan interfaces (default 2)
#   -t SECONDS   time limit for the whole run (default 120)
#   -M MEGABYTE  guest memory (default 256 for uml, 512 for qemu)
#   -e NAME      pass this environment variable on too (repeatable)
#   -c DIR       cache folder (default ${CANVM_CACHE:-$HOME/.cache/canvm})
#   -f           only fetch and unpack the packages into the cache, run nothing
#   -v           show the kernel log on stderr when the run is over
#
# Only Debian packages are used, fetched with `apt-get download` and unpacked
# into the cache; nothing is installed. Needs: sh, apt, dpkg-deb, flock, timeout;
# uml on a CPU with AMX also a C compiler.
set -eu

mode=uml; nvcan=2; limit=120; mem=; verbose=0; fetchonly=0; envs=
cache=${CANVM_CACHE:-${HOME:-/tmp}/.cache/canvm}
usage() { sed -n '2,/^set -eu/p' "$0" | sed '$d;s/^# \{0,1\}//'; exit "${1:-2}"; }
while getopts m:n:t:M:e:c:fvh o; do
  case $o in
    m) mode=$OPTARG ;; n) nvcan=$OPTARG ;; t) limit=$OPTARG ;; M) mem=$OPTARG ;;
    e) envs="$envs $OPTARG" ;; c) cache=$OPTARG ;; f) fetchonly=1 ;; v) verbose=1 ;;
    h) usage 0 ;; *) usage 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || [ $fetchonly = 1 ] || usage 2
die() { echo "canvm: $*" >&2; exit 125; }

# --- packages -----------------------------------------------------------
fetch() {            # fetch PACKAGE FOLDER: unpack a Debian package once
  [ -e "$cache/$2/.done" ] && return 0
  rm -rf "$cache/$2"; mkdir -p "$cache/$2/deb"
  ( cd "$cache/$2/deb" && apt-get download "$1" >"../log" 2>&1 ) ||
    { cat "$cache/$2/log" >&2; die "cannot download package $1 (apt-get update?)"; }
  dpkg-deb -x "$cache/$2"/deb/*.deb "$cache/$2" || die "cannot unpack $1"
  rm -rf "$cache/$2/deb"; : >"$cache/$2/.done"
}
mkdir -p "$cache"
exec 9>"$cache/.lock"; flock 9          # several first calls at once
fetch busybox-static busybox
bb=$cache/busybox/bin/busybox; [ -x "$bb" ] || bb=$cache/busybox/usr/bin/busybox
[ -x "$bb" ] || die "no busybox in its package"
case $mode in
  uml)
    fetch user-mode-linux uml
    kernel=$cache/uml/usr/bin/linux.uml
    moddir=$(echo "$cache"/uml/usr/lib/uml/modules/*/kernel)
    mods="can can-raw can-gw can-bcm can-isotp can-dev vcan slcan"
    : "${mem:=256}" ;;
  qemu)
    command -v qemu-system-x86_64 >/dev/null || die "qemu-system-x86_64 is not installed (package qemu-system-x86)"
    if [ ! -e "$cache/image/.done" ]; then
      pkg=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: *\(linux-image-[^ ]*\)/\1/p' | head -n 1)
      [ -n "$pkg" ] || die "linux-image-amd64 is unknown to apt (apt-get update?)"
      fetch "$pkg" image
    fi
    kernel=$(echo "$cache"/image/boot/vmlinuz-*)
    moddir=$(echo "$cache"/image/lib/modules/*/kernel)
    [ -d "$moddir" ] || moddir=$(echo "$cache"/image/usr/lib/modules/*/kernel)
    mods="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p can can-raw can-gw can-bcm can-isotp can-dev vcan slcan sja1000 kvaser_pci"
    : "${mem:=512}" ;;
  *) usage 2 ;;
esac
exec 9>&-
[ -f "$kernel" ] && [ -d "$moddir" ] || die "unexpected package layout below $cache"
[ $fetchonly = 0 ] || { echo "$cache"; exit 0; }

# --- uml on a CPU with AMX -------------------------------------------------
# The guest kernel saves the processor state of its processes into a buffer that
# is too small for AMX, and the host then refuses to take it back. This library
# fills in the rest from the present state.
preload=
if [ $mode = uml ] && grep -qw amx_tile /proc/cpuinfo; then
  preload=$cache/xstate.so
  if [ ! -e "$preload" ]; then
    tmp=$(mktemp -d "$cache/build.XXXXXX")
    cat >"$tmp/xstate.c" <<'EOC'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

long ptrace(enum __ptrace_request request, ...) {
  static long (*real)(enum __ptrace_request, ...);
  static char whole[65536];
  va_list list;
  va_start(list, request);
  int pid = va_arg(list, int);
  void *address = va_arg(list, void *);
  struct iovec *data = va_arg(list, struct iovec *);
  va_end(list);
  if (!real)
    real = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
  if (request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE) {
    struct iovec all = {whole, sizeof whole};
    if (real(PTRACE_GETREGSET, pid, address, &all) == 0 && all.iov_len > data->iov_len) {
      memcpy(whole, data->iov_base, data->iov_len);
      return real(request, pid, address, &all);
    }
  }
  return real(request, pid, address, data);
}
EOC
    ${CC:-cc} -shared -fPIC -O1 -o "$tmp/xstate.so" "$tmp/xstate.c" || die "cannot compile the AMX work-around"
    mv "$tmp/xstate.so" "$preload"; rm -rf "$tmp"
  fi
fi

# --- one run --------------------------------------------------------------
w=$(mktemp -d "${TMPDIR:-/tmp}/canvm.XXXXXX"); trap 'rm -rf "$w"' EXIT
trap 'exit 130' INT TERM
q() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }
mkdir "$w/mod"
for m in $mods; do
  f=$(find "$moddir" \( -name "$m.ko" -o -name "$m.ko.xz" \) | head -n 1)
  case $f in
    *.xz) xz -dc "$f" >"$w/mod/$m.ko"; echo "$m" >>"$w/mod/order" ;;
    ?*)   cp "$f" "$w/mod/$m.ko"; echo "$m" >>"$w/mod/order" ;;
  esac
done
{
  echo "cd $(q "$PWD") || exit 125"
  for v in PATH HOME USER LANG LC_ALL TMPDIR LD_LIBRARY_PATH $envs; do
    eval "val=\${$v-}"
    [ -z "$val" ] || echo "export $v=$(q "$val")"
  done
  echo 'export CANVM=1'
  printf 'exec'; for a in "$@"; do printf ' '; q "$a"; done; echo
} >"$w/cmd"
cat >"$w/guest" <<EOG
B=$(q "$bb"); W=$(q "$w"); IP=$(PATH=$PATH:/usr/sbin:/sbin command -v ip || true)
\$B mount -t proc proc /proc; \$B mount -t sysfs sys /sys
\$B mount -t devtmpfs dev /dev
\$B mkdir -p /dev/pts /dev/shm
\$B mount -t devpts -o ptmxmode=0666 pts /dev/pts; \$B mount -t tmpfs shm /dev/shm
\$B ln -sf /proc/self/fd /dev/fd; \$B ln -sf pts/ptmx /dev/ptmx 2>/dev/null
\$B mount -t tmpfs run /run
EOG
cat >>"$w/guest" <<'EOG'
[ -n "${NOMOD-}" ] || while read m; do $B insmod "$W/mod/$m.ko" || echo "canvm: module $m failed" >&2; done <"$W/mod/order"
$B ip link set lo up
EOG
i=0; while [ $i -lt "$nvcan" ]; do
  echo "\$B ip link add vcan$i type vcan && \$B ip link set vcan$i up" >>"$w/guest"; i=$((i + 1))
done
rc=0; start=; log=$w/kernel.log
if [ $mode = uml ]; then
  cat >>"$w/guest" <<'EOG'
exec </dev/null >/dev/tty1 2>/dev/tty2
$B stty -opost </dev/tty1; $B stty -opost </dev/tty2
echo up >"$W/up"
r=0; /bin/sh "$W/cmd" || r=$?
echo "$r" >"$W/rc"; $B sync; exec >/dev/null 2>&1
$B sleep 0.1; $B poweroff -f
EOG
  { echo "#!$bb sh"; cat "$w/guest"; } >"$w/init"; chmod +x "$w/init"
  timeout -k 5 "$limit" env ${preload:+LD_PRELOAD="$preload"} "$kernel" "mem=${mem}M" root=/dev/root rootfstype=hostfs rootflags=/ rw \
    "init=$w/init" quiet panic=1 con=null con0=null,fd:5 con1=null,fd:3 con2=null,fd:4 \
    3>&1 4>&2 5>"$log" </dev/null >"$w/early.log" 2>&1 || rc=$?
  cat "$w/early.log" >>"$log"
else
  cat >>"$w/guest" <<'EOG'
[ -z "$IP" ] || for c in can0 can1; do $IP link set $c type can bitrate 500000 restart-ms 100 && $IP link set $c up; done
echo up >"$W/up"
r=0; /bin/sh "$W/cmd" </dev/null >"$W/out" 2>"$W/err" || r=$?
echo "$r" >"$W/rc"; $B sync; $B poweroff -f
EOG
  mkdir -p "$w/ir/mod" "$w/ir/bin" "$w/ir/proc" "$w/ir/dev" "$w/ir/root"
  cp "$w"/mod/* "$w/ir/mod/"; cp "$bb" "$w/ir/bin/busybox"; ln -s busybox "$w/ir/bin/sh"
  cat >"$w/ir/init" <<EOI
#!/bin/sh
B=/bin/busybox
\$B mount -t proc proc /proc; \$B mount -t devtmpfs dev /dev
while read m; do \$B insmod /mod/\$m.ko || echo "canvm: module \$m failed"; done </mod/order
\$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose host /root || \$B poweroff -f
export NOMOD=1
exec \$B chroot /root $(q "$bb") sh $(q "$w")/guest
EOI
  chmod +x "$w/ir/init"
  ( cd "$w/ir" && find . | "$bb" cpio -o -H newc 2>/dev/null | gzip -1 ) >"$w/initrd"
  timeout -k 5 "$limit" qemu-system-x86_64 -machine pc -cpu max -m "$mem" -display none -nodefaults -no-reboot \
    -serial "file:$log" -kernel "$kernel" -initrd "$w/initrd" \
    -append "console=ttyS0 quiet loglevel=3 panic=-1" \
    -fsdev "local,id=h,path=/,security_model=none,multidevs=remap" -device virtio-9p-pci,fsdev=h,mount_tag=host \
    -object can-bus,id=cb0 -device kvaser_pci,canbus=cb0 -device kvaser_pci,canbus=cb0 \
    </dev/null >"$w/early.log" 2>&1 || rc=$?
  cat "$w/early.log" >>"$log"
  [ ! -e "$w/out" ] || cat "$w/out"
  [ ! -e "$w/err" ] || cat "$w/err" >&2
fi
[ $verbose = 0 ] || cat "$log" >&2
if [ -s "$w/rc" ]; then exit "$(cat "$w/rc")"; fi
if [ $rc = 124 ] || [ $rc = 137 ]; then echo "canvm: time limit of $limit s reached" >&2; exit 124; fi
tail -n 20 "$log" >&2
[ -e "$w/up" ] && die "the guest went down without a result (status $rc)"
die "the guest did not come up (status $rc)"
