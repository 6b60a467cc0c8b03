#!/usr/bin/env bash
# One command that shows unfold at work: it builds unfold, fetches and compiles a real program (the Lua
# language and the SQLite library, with some lines of ours that join them), links it with GNU ld and with
# unfold, runs both, and prints what happened.
#
#   tests/demo.sh
#
# It needs cargo and gcc. The sources are those that two crates carry, so that cargo fetches them, and root
# is not needed. Everything goes to target/. The times give an idea: tests/bench/launch.py is the benchmark.
set -euo pipefail

TOP=$(cd "$(dirname "$0")/.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$TOP/target}
mkdir -p "$TARGET/demo"
TARGET=$(cd "$TARGET" && pwd)
export CARGO_TARGET_DIR=$TARGET
DEMO=$TARGET/demo
UNFOLD=$TARGET/release/unfold
JOBS=$(nproc 2>/dev/null || echo 2)
unset "${!UNFOLD_@}" COMPILER_PATH # the variables that would change what is shown
SQLITE_CRATE=libsqlite3-sys SQLITE_VERSION=0.30.1 LUA_CRATE=lua-src LUA_VERSION=547.1.0

say() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# --- what is needed -----------------------------------------------------------------------------------
packages=()
command -v gcc >/dev/null || packages+=(gcc)
command -v ld.bfd >/dev/null || packages+=(binutils)
[ -e /usr/include/stdio.h ] || packages+=(libc6-dev)
if [ ${#packages[@]} -gt 0 ]; then
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || die "needed: apt-get install ${packages[*]}"
    say "installing ${packages[*]}"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${packages[@]}" >/dev/null
fi
command -v cargo >/dev/null || die "needed: the Rust toolchain, with cargo"

# --- unfold -------------------------------------------------------------------------------------------
say "building unfold (cargo build --release)"
(cd "$TOP" && cargo build --release --quiet)

# --- a real program -----------------------------------------------------------------------------------
say "fetching the sources of Lua and SQLite (crates $LUA_CRATE $LUA_VERSION, $SQLITE_CRATE $SQLITE_VERSION)"
mkdir -p "$DEMO/crates/src" "$DEMO/src" "$DEMO/obj" "$DEMO/gnu" "$DEMO/unfold"
cat > "$DEMO/crates/Cargo.toml" <<TOML
[package]
name = "demo-sources"
version = "0.0.0"
edition = "2021"
[dependencies]
$SQLITE_CRATE = { version = "=$SQLITE_VERSION", features = ["bundled"] }
$LUA_CRATE = "=$LUA_VERSION"
[workspace]
TOML
: > "$DEMO/crates/src/lib.rs"
[ -d "$DEMO/crates/vendor/$LUA_CRATE" ] || (cd "$DEMO/crates" && cargo vendor --quiet vendor >/dev/null)
sqlite=$DEMO/crates/vendor/$SQLITE_CRATE/sqlite3
lua=$(echo "$DEMO/crates/vendor/$LUA_CRATE"/lua-5.4*)

cat > "$DEMO/src/main.c" <<'C'
/* Runs a Lua script that can talk to SQLite: sql(TEXT) gives the rows, as tables of strings. */
#include <stdio.h>
#include "lauxlib.h"
#include "lualib.h"
#include "sqlite3.h"

const char *greeting(void);

static int row(void *state, int count, char **values, char **names) {
    lua_State *L = state;
    lua_newtable(L);
    for (int i = 0; i < count; i++) {
        lua_pushstring(L, values[i] ? values[i] : "");
        lua_setfield(L, -2, names[i]);
    }
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

static int sql(lua_State *L) {
    char *message = NULL;
    sqlite3 *db = lua_touserdata(L, lua_upvalueindex(1));
    const char *text = luaL_checkstring(L, 1);
    lua_newtable(L);
    if (sqlite3_exec(db, text, row, L, &message) != SQLITE_OK)
        return luaL_error(L, "%s", message);
    return 1;
}

int main(int argc, char **argv) {
    sqlite3 *db;
    lua_State *L = luaL_newstate();
    if (!L || argc < 2 || sqlite3_open(":memory:", &db) != SQLITE_OK) return 2;
    luaL_openlibs(L);
    lua_pushlightuserdata(L, db);
    lua_pushcclosure(L, sql, 1);
    lua_setglobal(L, "sql");
    puts(greeting());
    int failed = luaL_dofile(L, argv[1]);
    if (failed) fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_close(L);
    sqlite3_close(db);
    return failed;
}
C
cat > "$DEMO/src/greeting.c" <<'C'
#ifdef EDITED
const char *greeting(void) { return "After the edit:"; }
#else
const char *greeting(void) { return "Before the edit:"; }
#endif
C
cat > "$DEMO/src/script.lua" <<'LUA'
sql "create table city(name text, country text, people integer)"
for i, line in ipairs {"Lagos,NG,16", "Lima,PE,11", "Quito,EC,2", "Kano,NG,4", "Cusco,PE,1"} do
  local name, country, people = line:match("(%w+),(%w+),(%d+)")
  sql(("insert into city values('%s', '%s', %d)"):format(name, country, people))
end
sql "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) insert into city select 'v' || i, 'XX', i from n"
for _, r in ipairs(sql "select country, sum(people) as all_people, count(*) as n from city group by country order by 2 desc") do
  print(("  %-3s %10s people in %6s places"):format(r.country, r.all_people, r.n))
end
LUA

say "compiling it with gcc"
sources=("$DEMO/src/main.c" "$DEMO/src/greeting.c" "$sqlite/sqlite3.c" "$lua"/*.c)
compile() { # compile OUTPUT SOURCE FLAGS...
    [ "$1" -nt "$2" ] && return
    gcc -O2 -w -fPIE -I"$lua" -I"$sqlite" -DLUA_USE_POSIX -DSQLITE_THREADSAFE=0 \
        -DSQLITE_OMIT_LOAD_EXTENSION "${@:3}" -c "$2" -o "$1.tmp" && mv "$1.tmp" "$1"
}
objects=() running=0
for source in "${sources[@]}"; do
    object=$DEMO/obj/$(basename "$source" .c).o
    objects+=("$object")
    if [ "$running" -ge "$JOBS" ]; then wait -n; running=$((running - 1)); fi
    compile "$object" "$source" &
    running=$((running + 1))
done
wait
for object in "${objects[@]}"; do [ -e "$object" ] || die "not compiled: $object"; done
compile "$DEMO/obj/edited" "$DEMO/src/greeting.c" -DEDITED
compile "$DEMO/obj/original" "$DEMO/src/greeting.c"

# gcc calls the program `ld` of the folder that -B names. It is a wrapper that measures the linker alone.
for name in gnu unfold; do
    mkdir -p "$DEMO/$name/bin"
    cat > "$DEMO/$name/bin/ld" <<'WRAPPER'
#!/usr/bin/env bash
start=$EPOCHREALTIME
"$DEMO_LD" "$@"
status=$?
end=$EPOCHREALTIME
echo $((${end/[.,]/} - ${start/[.,]/})) > "$DEMO_MICROSECONDS"
exit $status
WRAPPER
    chmod +x "$DEMO/$name/bin/ld"
done
ms() { printf '%d.%d ms' $(($1 / 1000)) $(($1 % 1000 / 100)); }
link() { # link gnu|unfold: links DEMO/$1/app; the linker's microseconds are in $took
    local ld=$TARGET/release/ld.unfold
    [ "$1" = unfold ] || ld=$(command -v ld.bfd)
    DEMO_LD=$ld DEMO_MICROSECONDS=$DEMO/$1/microseconds \
        gcc -B"$DEMO/$1/bin" -pie "${objects[@]}" -lm -o "$DEMO/$1/app" || die "$1 does not link the program"
    took=$(<"$DEMO/$1/microseconds")
}
launch() { # launch gnu|unfold: runs it; the microseconds from start to exit are in $took
    local start=$EPOCHREALTIME end
    "$DEMO/$1/app" "$DEMO/src/script.lua" > "$DEMO/$1/output" || die "$DEMO/$1/app fails"
    end=$EPOCHREALTIME
    took=$((${end/[.,]/} - ${start/[.,]/}))
}
# best N COMMAND...: runs link or launch N times; the least of their microseconds is in $took
best() {
    local least= n
    for ((n = 0; n < $1; n++)); do
        "${@:2}"
        if [ -z "$least" ] || [ "$took" -lt "$least" ]; then least=$took; fi
    done
    took=$least
}
# number NAME: one number of `unfold status --json`
number() { "$UNFOLD" status "$DEMO/unfold/app" --json | sed -n "s/^ *\"$1\": \([0-9]*\),\?$/\1/p" | head -n 1; }
text() { "$UNFOLD" status "$DEMO/unfold/app" --json | sed -n "s/^ *\"$1\": \"\?\([^\",]*\)\"\?,\?$/\1/p" | head -n 1; }
edit() { rm -f "$DEMO/obj/greeting.o" && cp "$DEMO/obj/$1" "$DEMO/obj/greeting.o"; }

# --- what happens -------------------------------------------------------------------------------------
edit original
rm -rf "$DEMO/unfold/.unfold" "$DEMO/unfold/app" "$DEMO/gnu/app"
link gnu; gnu_link=$took
best 3 link gnu; gnu_same=$took
launch gnu; gnu_first=$took
best 5 launch gnu; gnu_later=$took

link unfold; first_link=$took
objects_count=$(number objects) pages=$(number pages_total) lazy=$(number lazy_pages) eager=$(number eager_pages)
launch unfold; first_run=$took
first_rendered=$(number pages_rendered) first_faults=$(number faults) pager=$(text pager)
first_handover=$(number handover_us)
cmp -s "$DEMO/gnu/output" "$DEMO/unfold/output" || die "the outputs differ: $DEMO/gnu/output $DEMO/unfold/output"
cp "$DEMO/unfold/output" "$DEMO/unfold/output.before"
launch unfold
second_rendered=$(number pages_rendered) second_faults=$(number faults) second_kept=$(number pages_from_kept)
second_prefetched=$(number pages_prefetched)
best 5 launch unfold; later_run=$took
best 3 link unfold; same_link=$took
same_read=$("$UNFOLD" status "$DEMO/unfold/app" --json | grep -c '"reason"' || true)
edit edited
link unfold; edit_link=$took
edit_read=$("$UNFOLD" status "$DEMO/unfold/app" --json | grep -c '"reason"' || true)
incremental=$(text incremental)
edit_status=$("$UNFOLD" status "$DEMO/unfold/app" | sed -n '2,/^pages/{/^pages/!p}')
link gnu; gnu_edit=$took
launch gnu
launch unfold
cmp -s "$DEMO/gnu/output" "$DEMO/unfold/output" || die "the outputs differ: $DEMO/gnu/output $DEMO/unfold/output"

say "what the program printed (the same under GNU ld and unfold)"
cat "$DEMO/unfold/output.before"
say "and after greeting.c was edited, compiled and linked again"
head -n 1 "$DEMO/unfold/output"

say "links (the linker alone)"
printf '  %-34s %10s   %s\n' "" unfold "GNU ld"
printf '  %-34s %10s   %s\n' "from nothing" "$(ms "$first_link")" "$(ms "$gnu_link")"
printf '  %-34s %10s   %s\n' "nothing changed (best of 3)" "$(ms "$same_link")" "$(ms "$gnu_same")"
printf '  %-34s %10s   %s\n' "one object changed" "$(ms "$edit_link")" "$(ms "$gnu_edit")"
printf '  objects indexed: %s; read again when nothing changed: %s, after the edit: %s (incremental: %s)\n' \
    "$objects_count" "$same_read" "$edit_read" "$incremental"
printf '%s\n' "$edit_status" | sed 's/^/  | /'

say "launches (from start to exit)"
printf '  %-34s %10s   %s\n' "" unfold "GNU ld"
printf '  %-34s %10s   %s\n' "first" "$(ms "$first_run")" "$(ms "$gnu_first")"
printf '  %-34s %10s   %s\n' "later (best of 5)" "$(ms "$later_run")" "$(ms "$gnu_later")"
printf '  pages in all: %s (%s relocated at first touch, %s rendered by the link)\n' "$pages" "$lazy" "$eager"
printf '  first run:  %s first touches, %s of %s lazy pages relocated, program started after %s us (pager: %s)\n' \
    "$first_faults" "$first_rendered" "$lazy" "$first_handover" "$pager"
printf '  second run: %s first touches, %s pages relocated (%s of them in the background), %s mapped as the first kept them\n' \
    "$second_faults" "$second_rendered" "$second_prefetched" "$second_kept"

say "try it yourself"
printf '  %s status %s\n' "${UNFOLD#"$PWD"/}" "${DEMO#"$PWD"/}/unfold/app"
printf '  UNFOLD_LOG=1 %s %s\n' "${DEMO#"$PWD"/}/unfold/app" "${DEMO#"$PWD"/}/src/script.lua"
