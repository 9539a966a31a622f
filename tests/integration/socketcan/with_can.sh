#!/bin/sh
# with_can.sh PROGRAM [ARG...]: runs a SocketCAN test here when this kernel and user can make vcan
# interfaces, else in a guest kernel.
here=$(cd "$(dirname "$0")" && pwd)
if "$1" --can-probe 2>/dev/null; then
  exec "$@"
fi
exec "$here/../../tools/canvm.sh" -- "$@"
