//! Print the kernel levels of this machine, lowest first: the values that `OVERPROOF_KERNEL` takes here.

fn main() {
    for level in overproof_core::kernel::available() {
        println!("{}", level.name());
    }
}
