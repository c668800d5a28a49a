//! The browser's store for what is remembered between visits. Nothing secret goes in here.

use leptos::prelude::window;

/// Preferences, as JSON.
pub(crate) const PREFERENCES: &str = "throng.preferences";

/// What is stored under a key.
pub(crate) fn read(key: &str) -> Option<String> {
    store()?.get_item(key).ok().flatten()
}

/// Stores a text; a browser that refuses (private mode, full) is left alone.
pub(crate) fn write(key: &str, text: &str) {
    if let Some(store) = store() {
        let _ = store.set_item(key, text);
    }
}

/// Forgets a key.
pub(crate) fn remove(key: &str) {
    if let Some(store) = store() {
        let _ = store.remove_item(key);
    }
}

fn store() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
