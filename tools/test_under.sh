#!/bin/sh
# The tests of the core, golden values included, at every kernel level: for another processor, or with memory watched.
# Exit 1 where a tool is missing; the first line printed says what to install (Debian's names).
# Usage: tools/test_under.sh neon|asan|valgrind     PROPTEST_CASES cases of each property but for those that set it: 64,
# or 16 under valgrind, which is slow
set -u
cd "${0%/*}/.." || exit 1
what=${1:-nothing}
usual=64
[ "$what" = valgrind ] && usual=16
export PROPTEST_CASES="${PROPTEST_CASES:-$usual}"

stop() { printf '%s\n' "$@" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
for_target() { [ -d "$("$1" --print target-libdir --target "$2" 2>/dev/null)" ]; } # whether rustc $1 builds for $2

has cargo || stop "tools/test_under.sh needs cargo: install Rust from https://rustup.rs"
host=$(rustc -vV | while read -r field value; do [ "$field" = host: ] && echo "$value"; done)
case $what in
neon)
    target=aarch64-unknown-linux-gnu
    has aarch64-linux-gnu-gcc || stop "neon needs a cross compiler for C: apt install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
    has qemu-aarch64-static || stop "neon needs a processor: apt install qemu-user-static"
    if ! for_target rustc $target; then
        for_target /usr/bin/rustc $target || stop "neon needs Rust's library for it: rustup target add $target" \
            "or, on Debian: dpkg --add-architecture arm64; apt update; apt install rustc-web libstd-rust-web-dev:arm64"
        export RUSTC=/usr/bin/rustc
    fi
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64-static
    # Static: a loader of one package that meets the libc of another hangs in the first thread.
    export RUSTFLAGS="-C target-feature=+crt-static"
    set -- --target $target --target-dir target/neon
    ;;
asan)
    # Leaks count too. The switch for unstable flags is for this one: the runtime is part of every Rust on Linux.
    [ -f "$(rustc --print target-libdir)/librustc-stable_rt.asan.a" ] ||
        [ -f "$(rustc --print target-libdir)/librustc-nightly_rt.asan.a" ] ||
        stop "asan needs the sanitizer's runtime, which this rustc has not: install Rust from https://rustup.rs"
    export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address
    set -- --target "$host" --target-dir target/asan # a named target: build scripts stay as they are
    ;;
valgrind)
    has valgrind || stop "valgrind is missing: apt install valgrind"
    runner=CARGO_TARGET_$(echo "$host" | tr a-z- A-Z_)_RUNNER
    # What a thread of a pool holds at the end is no leak, so only what nobody can reach counts.
    export "$runner=valgrind -q --error-exitcode=1 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
    # Below level 2, unlike the other two: memcheck calls a branch on half of an absent Option uninitialised, which the
    # compiler makes where both ways end the same, and valgrind 3.19 does not know every AVX2 instruction (vmovq).
    set -- --target-dir target/valgrind --config profile.dev.package.overproof-core.opt-level=1
    ;;
*) stop "usage: tools/test_under.sh neon|asan|valgrind" ;;
esac
set -- --quiet --locked --package overproof-core "$@"

levels=$(cargo run "$@" --example levels) || exit 1
for level in $levels; do
    echo "$what, level $level"
    OVERPROOF_KERNEL=$level cargo test "$@" --lib --tests || exit 1
done
