#!/usr/bin/env bash
# What the tools that builds and packagers run on executables make of one that unfold linked: none may fail or
# break it. Each runs on a copy; then the copy must do what the program does.
#
#   tests/real/tools.sh
#
# Prints for each tool `ok` or `FAIL`, its status and what it showed, beside what it shows of GNU ld's output.
# UNFOLD_LD: the linker under test.
set -uo pipefail
. "$(dirname "$0")/common.sh"
need_packages gcc g++ file binutils patchelf chrpath elfutils zlib1g-dev

work=$REAL/tools
rm -rf "$work" && mkdir -p "$work/B" && cd "$work" || exit 1
ln -s "$(realpath "$UNFOLD_LD")" B/ld
cat > part.c <<'END'
#include <zlib.h>
const char *part(void) { return zlibVersion()[0] ? "part" : ""; }
END
cat > main.cc <<'END'
#include <iostream>
#include <stdexcept>
#include <string>
extern "C" const char *part(void);
int main(int argc, char **argv) {
    try { throw std::runtime_error(part()); }
    catch (const std::exception &e) { std::cout << e.what() << ' ' << argc << '\n'; }
}
END
gcc -g -fPIC -c part.c && g++ -g -c main.cc || exit 1
for mode in pie no-pie; do
    [ $mode = pie ] || g++ -g -fno-pie -c main.cc
    g++ -$mode main.o part.o -lz -Wl,-rpath,/opt/none -o "ld-$mode" || exit 1
    g++ -$mode main.o part.o -lz -Wl,-rpath,/opt/none -B"$work/B" -o "unfold-$mode" || exit 1
done
expected="part 1"
failed=0

# lines TEXT: how many, and the first.
lines() { if [ -z "$1" ]; then echo nothing; else echo "$(wc -l <<<"$1") lines: $(head -n 1 <<<"$1" | cut -c 1-90)"; fi; }

# tool COMMAND...: with `F` for the file.
tool() {
    local kind mode out shown status verdict runs
    for mode in pie no-pie; do
        shown=() verdict=ok
        for kind in ld unfold; do
            cp "$kind-$mode" F
            out=$("${@}" 2>&1) && status=0 || status=$?
            # `install` and others make a new file.
            [ -e G ] && mv G F
            runs=$(./F 2>&1)
            [ "$runs" = "$expected" ] || verdict="FAIL: the program says: $runs"
            shown+=("$status, $(lines "$(sed "s|$work/||g" <<<"$out")")")
            rm -f F G
        done
        [ "${shown[0]%%,*}" = "${shown[1]%%,*}" ] || [ "$verdict" != ok ] || verdict="FAIL: another status"
        case $verdict in FAIL*) failed=1 ;; esac
        [ $mode = no-pie ] && [ "${*}${shown[*]}" = "$last" ] && continue
        last="${*}${shown[*]}"
        printf '%-28s %-6s %s\n    ld:     %s\n    unfold: %s\n' "$*" $mode "$verdict" "${shown[@]}"
    done
}

last= # what was printed for PIE; the same is not printed for the other
tool cp F G
tool strip F
tool strip --strip-debug F
tool strip --strip-unneeded -o G F
tool install -s -m 755 F G
tool objcopy F G
tool objcopy --only-keep-debug F F.debug
tool objcopy --add-section .extra=part.c F G
tool objcopy --strip-all --remove-section=.comment --remove-section=.note F G
tool eu-strip F
tool chmod 755 F
tool touch F
tool ldd F
tool file F
tool nm F
tool nm -D F
tool size F
tool size -A F
tool readelf -aW F
tool readelf -h F
tool readelf -d F
tool readelf -p .rodata F
tool objdump -d F
tool objdump -p F
tool objdump -T F
tool eu-readelf -a F
tool strings F
tool ar rc archive.a F
tool patchelf --print-needed F
tool patchelf --print-rpath F
tool patchelf --print-interpreter F
tool chrpath -l F
tool patchelf --set-rpath /opt/other F
tool chrpath -r /opt/new F
tool gdb -batch -ex 'info functions part' F
exit $failed
