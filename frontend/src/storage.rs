//! What leaves the page: the browser's store for what is remembered between visits, and files for the person. Nothing
//! secret goes in here.

use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, JsValue};

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

/// Gives a text to the person as a file.
pub(crate) fn save_file(name: &str, text: &str) {
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let Ok(blob) = web_sys::Blob::new_with_str_sequence(&parts) else { return };
    let Ok(url) = web_sys::Url::create_object_url_with_blob(&blob) else { return };
    if let Ok(link) = document().create_element("a") {
        let link: web_sys::HtmlAnchorElement = link.unchecked_into();
        link.set_href(&url);
        link.set_download(name);
        link.click();
    }
    let _ = web_sys::Url::revoke_object_url(&url);
}

fn store() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
