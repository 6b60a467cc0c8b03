# Sourced by the scripts of tests/real: where things lie, and the few chores that each of them needs.
#
# UNFOLD_REAL_DIR  where sources, objects and results go (default: target/real of this repository)
# UNFOLD_LD        the linker under test (default: target/release/ld.unfold of this repository)

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
REAL=${UNFOLD_REAL_DIR:-$TOP/target/real}
mkdir -p "$REAL"
REAL=$(cd "$REAL" && pwd)
UNFOLD_LD=${UNFOLD_LD:-$TOP/target/release/ld.unfold}

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# need_packages NAME...: installs the Debian packages that are missing, or names them when not root.
need_packages() {
    local missing=() p
    for p in "$@"; do
        dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed' || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && return
    [ "$(id -u)" -eq 0 ] || die "these packages are needed: apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >&2 ||
        { apt-get -qq update >&2 &&
          DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >&2; }
}

# The machine's own package sources for this release, with `deb` turned into `deb-src`, in a
# configuration of our own: /etc/apt stays as it is.
private_apt_sources() {
    local dir=$1 release f
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mkdir -p "$dir/parts" "$dir/lists/partial" "$dir/cache/archives/partial"
    for f in /etc/apt/sources.list.d/*.sources; do
        [ -e "$f" ] || continue
        awk -v rel="$release" 'BEGIN { RS = ""; ORS = "\n\n" }
            $0 ~ ("\nSuites:[^\n]* " rel "($|[ \n-])") && /(^|\n)Types:/ {
                sub(/Types:[^\n]*/, "Types: deb-src"); print }' "$f" > "$dir/parts/$(basename "$f")"
    done
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -e "$f" ] || continue
        awk -v rel="$release" '$1 == "deb" {
            for (i = 2; i <= NF; i++) if ($i == rel || index($i, rel "-") == 1) { sub(/deb/, "deb-src"); print; next } }' \
            "$f" > "$dir/parts/$(basename "$f" .list).list"
    done
    find "$dir/parts" -type f -empty -delete
}

# debian_source NAME: fetches and unpacks the source package NAME once; prints its folder.
debian_source() {
    local name=$1 apt=$REAL/sources/apt dir
    dir=$REAL/sources/$name
    if [ ! -e "$dir/.unpacked" ]; then
        need_packages dpkg-dev
        private_apt_sources "$apt"
        local opts=(-qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/parts"
                    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
        say "fetching the source of $name"
        [ -e "$apt/.updated" ] || { apt-get "${opts[@]}" update >&2 && : > "$apt/.updated"; }
        rm -rf "$dir" && mkdir -p "$dir"
        (cd "$dir" && apt-get "${opts[@]}" source "$name" >apt.log 2>&1) || { cat "$dir/apt.log" >&2; die "no source of $name"; }
        : > "$dir/.unpacked"
    fi
    find "$dir" -mindepth 1 -maxdepth 1 -type d | head -n 1
}

# compile OUTPUT SOURCE COMPILER FLAGS...: compiles one file unless the output is newer.
compile() {
    local out=$1 src=$2
    shift 2
    [ "$out" -nt "$src" ] && return
    mkdir -p "$(dirname "$out")"
    "$@" -c "$src" -o "$out.tmp.o" && mv "$out.tmp.o" "$out"
}

# compile_both FOLDER SOURCE NAME COMPILER FLAGS...: FOLDER/pie/NAME.o and FOLDER/nopie/NAME.o
compile_both() {
    local folder=$1 src=$2 name=$3
    shift 3
    compile "$folder/pie/$name.o" "$src" "$@" -fPIE &
    compile "$folder/nopie/$name.o" "$src" "$@" -fno-pie
    wait $! # two at a time
}
