#!/usr/bin/env bash
# Builds the applications and writes what the rest of the repository uses of them: modules/ and
# manifest.toml. Nothing else needs a Wasm target.
#
#   scenarios/apps/build.sh                 builds, and replaces modules/ and manifest.toml
#   scenarios/apps/build.sh --into FOLDER   builds, and writes them there
#   scenarios/apps/build.sh --check         says whether the sources are those of the manifest
#
# A Rust toolchain with the Wasm target (rustup target add wasm32-unknown-unknown) is used if there
# is one. Else Debian's packages rustc-web and rust-web-src must be installed: wasm-sysroot.sh makes
# a compiler of them, which is kept. Both need zstd, and the network for crates.
#
# The same sources and the same compiler give the same modules in any folder. Another compiler gives
# other bytes of the same behaviour, so the manifest says which one it was.
set -euo pipefail

apps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$apps"
target=wasm32-unknown-unknown
place=${CARGO_TARGET_DIR:-$apps/../../target}/apps

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

sha256() {
    if command -v sha256sum >/dev/null; then
        sha256sum "$@"
    else
        shasum -a 256 "$@"
    fi
}

# Names of the applications: folders that are crates.
names() {
    local manifest
    for manifest in */Cargo.toml; do
        dirname "$manifest"
    done | LC_ALL=C sort
}

# A hash over files and their names, which it reads. The test tests/it/apps.rs computes the same.
hash_of() {
    LC_ALL=C sort | while read -r file; do
        printf '%s %s\n' "$(sha256 "$file" | cut -d ' ' -f 1)" "$file"
    done | sha256 | cut -d ' ' -f 1
}

# The hash of what one application is made of, but for what it depends on.
source_of() {
    find "$1/Cargo.toml" "$1/src" -type f \( -name '*.rs' -o -name Cargo.toml \) | hash_of
}

sources() {
    local name
    printf 'workspace = "%s"\n' "$(printf '%s\n' Cargo.toml Cargo.lock | hash_of)"
    for name in $(names); do
        printf '%s = "%s"\n' "$name" "$(source_of "$name")"
    done
}

# The same lines, as the manifest has them.
recorded() {
    sed -n 's/^workspace = /&/p' manifest.toml
    awk '/^\[[a-z-]*\]$/ { name = substr($0, 2, length($0) - 2) } /^source = / { print name " = " $3 }' \
        manifest.toml
}

check() {
    local different
    if ! different=$(diff <(recorded) <(sources)); then
        printf '%s\n' "$different" | sed -n 's/^> \([a-z-]*\) = .*/not as it was built: \1/p' >&2
        fail "modules/ was made from other sources: run scenarios/apps/build.sh"
    fi
}

# Says which compiler to use, and how to link.
choose_compiler() {
    local libraries root host commit sysroot
    libraries=$(rustc --print target-libdir --target "$target" 2>/dev/null || true)
    if [[ -d $libraries ]]; then
        compiler=rustc
        return
    fi
    [[ -x /usr/bin/rustc && -d $(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust ]] ||
        fail "no Wasm target: run 'rustup target add $target', or install rustc-web and rust-web-src"
    commit=$(/usr/bin/rustc -vV | sed -n 's/^commit-hash: //p')
    sysroot=$place/sysroot-$commit
    [[ -x $sysroot/bin/rustc ]] || ./wasm-sysroot.sh "$sysroot"
    compiler=$sysroot/bin/rustc
    root=$(rustc --print sysroot)
    host=$(rustc -vV | sed -n 's/^host: //p')
    export RUSTC=$compiler
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$root/lib/rustlib/$host/bin/rust-lld
}

compile() {
    local cargo_home=${CARGO_HOME:-$HOME/.cargo} flags
    # Panics name files, and no file of one machine may reach a module.
    flags=(
        "--remap-path-prefix=$cargo_home=/cargo"
        "--remap-path-prefix=$place=/target"
        "--remap-path-prefix=$apps=/apps"
    )
    flags=$(
        IFS=$'\x1f'
        printf '%s' "${flags[*]}"
    )
    env -u RUSTFLAGS CARGO_ENCODED_RUSTFLAGS="$flags" CARGO_TARGET_DIR="$place" \
        cargo build --release --locked --workspace --target "$target"
}

# Puts one module where it belongs, compressed like Linera stores bytecode. A module that has not
# changed keeps its file, since another zstd may compress it otherwise.
store() { # built stored
    if [[ -f $2 ]] && zstd -q -d -c "$2" | cmp -s - "$1"; then
        return
    fi
    zstd -q -19 --single-thread --no-check -c <"$1" >"$2.new"
    mv "$2.new" "$2"
}

describe() { # role built stored
    printf '%s = { bytes = %d, stored = %d, sha256 = "%s" }\n' \
        "$1" "$(wc -c <"$2")" "$(wc -c <"$3")" "$(sha256 "$2" | cut -d ' ' -f 1)"
}

build() { # folder
    local into=$1 name role module built stored about
    command -v zstd >/dev/null || fail "zstd is not installed"
    place=$(mkdir -p "$place" && cd "$place" && pwd)
    choose_compiler
    compile
    mkdir -p "$into/modules"
    about=$("$compiler" -vV)
    {
        echo "# Written by build.sh: what is in modules/, and what it was made from."
        echo "format = 1"
        printf 'sdk = "%s"\n' "$(sed -n 's/^linera-sdk = "=\(.*\)"$/\1/p' Cargo.toml)"
        printf 'compiler = "%s"\n' "$(sed -n 's/^release: //p' <<<"$about")"
        printf 'commit = "%s"\n' "$(sed -n 's/^commit-hash: //p' <<<"$about")"
        sources | sed -n '1p'
        for name in $(names); do
            printf '\n[%s]\nsource = "%s"\n' "$name" "$(source_of "$name")"
            for role in contract service; do
                module=${name//-/_}_$role.wasm
                built=$place/$target/release/$module
                stored=$into/modules/$module.zst
                store "$built" "$stored"
                describe "$role" "$built" "$stored"
            done
        done
    } >"$into/manifest.toml.new"
    mv "$into/manifest.toml.new" "$into/manifest.toml"
}

case ${1:-} in
"") build "$apps" ;;
--into) build "$(mkdir -p "${2:?a folder}" && cd "$2" && pwd)" ;;
--check) check ;;
*) fail "usage: build.sh [--into FOLDER | --check]" ;;
esac
