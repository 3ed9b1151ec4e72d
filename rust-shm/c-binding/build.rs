//! How the shared library is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Programs are bound to this version of the interface.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libvas_frames.so.1");
    // The handler of SIGBUS stays installed, so its code must stay loaded.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
