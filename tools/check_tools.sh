#!/bin/sh
# Exit 1 where a tool is missing or too old; the first line printed says what to install.
# Usage: tools/check_tools.sh PYTHON
set -u
cd "${0%/*}/.." || exit 1
python=${1:-python3}

field() { # the value of `key = "..."` in a TOML file, by its first occurrence
    while IFS= read -r line; do
        case $line in "$2 = "*) line=${line#*\"}; line=${line%%\"*}; echo "${line#>=}"; return ;; esac
    done < "$1"
}

older() { # whether version $1 is before $2; both are MAJOR.MINOR[.PATCH]
    a=${1#*.} b=${2#*.}
    [ "${1%%.*}" -lt "${2%%.*}" ] || { [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${a%%.*}" -lt "${b%%.*}" ]; }
}

stop() { printf '%s\n' "$@" >&2; exit 1; }

need=$(field pyproject.toml requires-python)
how="install it (Debian, Ubuntu: apt install python3 python3-venv) or name another: make PYTHON=python3.12 TARGET"
have=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
    stop "overproof needs Python $need or newer and found no $python: $how"
older "$have" "$need" && stop "overproof needs Python $need or newer and $python is $have: $how"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    stop "overproof needs Python's venv module and $python has none: install it (Debian, Ubuntu: apt install python3-venv)"

need=$(field Cargo.toml rust-version)
how="install it from https://rustup.rs"
have=$(cargo --version 2>/dev/null) || stop "overproof needs Rust $need or newer and found no cargo: $how"
have=${have#cargo }
have=${have%% *}
older "$have" "$need" && stop "overproof needs Rust $need or newer and cargo is $have: $how (or run: rustup update stable)"
cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
    stop "overproof's checks need rustfmt and clippy: rustup component add rustfmt clippy"
command -v cc >/dev/null 2>&1 ||
    stop "overproof needs a C compiler and found no cc: install one (Debian, Ubuntu: apt install gcc libc6-dev)"
