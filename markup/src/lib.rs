//! `view!`: markup in Rust code, as Leptos writes it, for the panel's own small views.
//!
//! What never changes of an element and all that is in it becomes one line of HTML, which the browser parses once and
//! copies; code is made only for what changes. Leptos' own macro makes code, of types of its own, for every element: the
//! panel's module had 2.80 MB with it and has 2.35 without.

mod expand;
mod template;

use proc_macro::TokenStream;

/// A view of the panel (`frontend::dom::View`) from markup.
///
/// | written | means |
/// |---|---|
/// | `<p class="note">"text"</p>` | an element; literal attributes and texts are part of its template |
/// | `name=value` | an attribute: what is `frontend::dom::IntoSource`, closures and signals among it |
/// | `class:name=flag`, `style:name=value`, `prop:name=value` | a class, a style, a property |
/// | `on:click=handler` | a listener for an event of `leptos::ev`; with `:target`, its event knows the element's type |
/// | `node_ref=reference` | keeps the element for code that needs it |
/// | `inner_html=html` | the element's content as HTML |
/// | `{value}` | a child: what is `frontend::dom::IntoView` |
/// | `<Name property=value>..</Name>` | a component of Leptos; what is in it is its property `children` |
///
/// # Errors
/// At the place in the markup, as the compiler's own.
#[proc_macro]
pub fn view(tokens: TokenStream) -> TokenStream {
    expand::view(tokens.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
