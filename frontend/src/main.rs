//! The panel's entry point in the browser.

fn main() {
    frontend::start();
}
