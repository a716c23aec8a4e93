#!/usr/bin/env bash
# Makes a compiler for Wasm where rustup cannot fetch that target.
#
#   scenarios/apps/wasm-sysroot.sh FOLDER
#
# Debian ships a current compiler (rustc-web) together with the source of its standard library and
# all that it depends on (rust-web-src). This compiles that library for wasm32-unknown-unknown, once
# and without a network, and puts into FOLDER what `RUSTC` needs: bin/rustc and lib/rustlib.
#
# The same compiler gives the same bytes in any folder: every path that could reach them is mapped
# to a fixed one, and nothing comes from cargo's own cache. Bitcode is embedded, so that
# applications may be linked with LTO. The last line that is printed is a hash of the library.
set -euo pipefail

(($# == 1)) || {
    echo "usage: $0 FOLDER" >&2
    exit 2
}
target=wasm32-unknown-unknown
compiler=${DEBIAN_RUSTC:-/usr/bin/rustc}
cargo=${CARGO:-cargo}
folder=$(realpath -m "$1")

about=$("$compiler" -vV)
host=$(sed -n 's/^host: //p' <<<"$about")
commit=$(sed -n 's/^commit-hash: //p' <<<"$about")
root=$("$compiler" --print sysroot)
named=$root/lib/rustlib/src/rust/library
library=$(realpath "$named")
[[ -f $library/std/Cargo.toml ]] || {
    echo "no source of the standard library below $root: install rust-web-src" >&2
    exit 1
}

# A crate that holds nothing: cargo builds a standard library only for the sake of something.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/nothing/src"
: >"$scratch/nothing/src/lib.rs"
cat >"$scratch/nothing/Cargo.toml" <<'TOML'
[package]
name = "nothing"
edition = "2021"

[profile.release]
codegen-units = 1
debug = false
opt-level = 3
panic = "abort"
TOML

# What the standard library depends on lies beside it, in packages that are new enough.
sources=()
if [[ -d $library/vendor ]]; then
    sources=(
        --offline
        --config 'source.crates-io.replace-with = "beside"'
        --config "source.beside.directory = '$library/vendor'"
    )
fi

flags=(
    -Cembed-bitcode=yes
    "--remap-path-prefix=$named=/rustc/$commit/library"
    "--remap-path-prefix=$library=/rustc/$commit/library"
    "--remap-path-prefix=$scratch=/std"
)
encoded=$(
    IFS=$'\x1f'
    printf '%s' "${flags[*]}"
)
(
    cd "$scratch/nothing"
    env -u RUSTFLAGS -u CARGO_BUILD_TARGET CARGO_ENCODED_RUSTFLAGS="$encoded" \
        CARGO_HOME="$scratch/home" CARGO_TARGET_DIR="$scratch/target" \
        RUSTC="$compiler" RUSTC_BOOTSTRAP=1 \
        "$cargo" build --quiet --release --target "$target" \
        -Z build-std=std,panic_abort "${sources[@]}"
)

# Laid out beside its place and moved there, so that a folder is whole or absent.
made=$scratch/sysroot
libraries=$made/lib/rustlib/$target/lib
mkdir -p "$libraries" "$made/bin"
cp "$scratch/target/$target/release/deps/"*.rlib "$libraries"
rm -f "$libraries"/libnothing-*.rlib
ln -s "$root/lib/rustlib/$host" "$made/lib/rustlib/$host"
cat >"$made/bin/rustc" <<SH
#!/bin/sh
exec "$compiler" --sysroot "$folder" "\$@"
SH
chmod +x "$made/bin/rustc"
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
mv "$made" "$folder"
(cd "$folder/lib/rustlib/$target/lib" && sha256sum ./*.rlib | sha256sum | cut -d ' ' -f 1)
