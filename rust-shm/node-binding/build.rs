//! Link arguments of the addon.

fn main() {
    // Among others `-z nodelete`: a worker thread that ends unloads its addons, while threads of drains still
    // run in this one. It stays loaded until the process ends.
    napi_build::setup();
}
