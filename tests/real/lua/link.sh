#!/usr/bin/env bash
# Links the Lua interpreter against its static library. LD_DIR: folder with a program `ld`.
# OUT: the output. MODE: pie (default), nopie, static, static-pie. More arguments go to the driver.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
case ${MODE:=pie} in
    pie)        objects=$here/pie;   flags=(-pie -Wl,-E) ;;
    nopie)      objects=$here/nopie; flags=(-no-pie -Wl,-E) ;;
    static)     objects=$here/nopie; flags=(-static) ;;
    static-pie) objects=$here/pie;   flags=(-static-pie) ;;
    *)          echo "unknown MODE $MODE" >&2; exit 2 ;;
esac
exec gcc ${LD_DIR:+-B"$LD_DIR"} "${flags[@]}" "$objects/lua.o" "$objects/liblua.a" -lm -ldl -o "$OUT" "$@"
