#!/usr/bin/env bash
# Links the SQLite shell. LD_DIR: folder with a program `ld`. OUT: the output.
# MODE: pie (default), nopie, static, static-pie. More arguments go to the compiler driver.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
case ${MODE:=pie} in
    pie)        objects=$here/pie;   flags=(-pie) ;;
    nopie)      objects=$here/nopie; flags=(-no-pie) ;;
    static)     objects=$here/nopie; flags=(-static) ;;
    static-pie) objects=$here/pie;   flags=(-static-pie) ;;
    *)          echo "unknown MODE $MODE" >&2; exit 2 ;;
esac
exec gcc ${LD_DIR:+-B"$LD_DIR"} "${flags[@]}" "$objects/shell.o" "$objects/sqlite3.o" -lm -ldl -lpthread -o "$OUT" "$@"
