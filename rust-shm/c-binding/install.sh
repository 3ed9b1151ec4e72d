#!/bin/sh
# Builds the library and installs it: install.sh PREFIX [--debug]
#
#   PREFIX/include/vas_frames.h
#   PREFIX/lib/libvas_frames.so -> libvas_frames.so.1, libvas_frames.a
#   PREFIX/lib/pkgconfig/vas_frames.pc
set -eu
prefix=${1:?usage: install.sh PREFIX [--debug]}
here=$(cd "$(dirname "$0")" && pwd)
if [ "${2:-}" = --debug ]; then built=debug; else built=release; fi
cargo build --quiet --manifest-path "$here/Cargo.toml" $([ $built = debug ] || echo --release)
from=${CARGO_TARGET_DIR:-$here/../target}/$built
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$here/../Cargo.toml")

mkdir -p "$prefix/include" "$prefix/lib/pkgconfig"
install -m 644 "$here/include/vas_frames.h" "$prefix/include"
install -m 755 "$from/libvas_frames.so" "$prefix/lib/libvas_frames.so.1"
ln -sf libvas_frames.so.1 "$prefix/lib/libvas_frames.so"
install -m 644 "$from/libvas_frames.a" "$prefix/lib"
sed "s|@PREFIX@|$prefix|; s|@VERSION@|$version|" "$here/vas_frames.pc.in" >"$prefix/lib/pkgconfig/vas_frames.pc"
