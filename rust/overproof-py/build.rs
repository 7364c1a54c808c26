//! What builds the extension, for `overproof.build_info()`.

use std::env::var;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output().map(|out| out.stdout).unwrap_or_default();
    println!("cargo::rustc-env=OVERPROOF_RUSTC={}", String::from_utf8_lossy(&version).trim());
    println!("cargo::rustc-env=OVERPROOF_TARGET={}", var("TARGET").unwrap_or_default());
}
