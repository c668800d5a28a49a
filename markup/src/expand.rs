//! From markup to code.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use rstml::node::{KeyedAttribute, Node, NodeAttribute, NodeBlock, NodeElement, NodeName};
use rstml::{Parser, ParserConfig};
use syn::spanned::Spanned as _;
use syn::{Block, Error, Expr, ExprLit, Lit, Result, Stmt};

use crate::template::{Template, is_drawn};

/// The module of the calling crate that the code speaks of.
fn dom() -> TokenStream {
    let name = Ident::new("dom", Span::call_site());
    quote!(crate::#name)
}

/// The code of a whole view.
pub(crate) fn view(tokens: TokenStream) -> Result<TokenStream> {
    let nodes = Parser::new(ParserConfig::default()).parse_simple(tokens)?;
    several(&nodes)
}

/// One view of all of the nodes.
fn several(nodes: &[Node]) -> Result<TokenStream> {
    let views = nodes.iter().filter(|node| !matches!(node, Node::Comment(_))).map(alone).collect::<Result<Vec<_>>>()?;
    let dom = dom();
    Ok(match views.as_slice() {
        [] => quote!(#dom::View::Nothing),
        [one] => one.clone(),
        several => quote!(#dom::IntoView::into_view(::std::vec![#(#several),*])),
    })
}

/// A node that no other is around.
fn alone(node: &Node) -> Result<TokenStream> {
    let dom = dom();
    match node {
        Node::Element(element) if is_component(element.name()) => component(element),
        Node::Element(element) => {
            let mut writer = Writer { template: Template::new(), parts: Vec::new() };
            writer.element(element)?;
            Ok(writer.finish(&element.name().to_string()))
        }
        Node::Text(text) => {
            let text = text.value_string();
            Ok(quote!(#dom::IntoView::into_view(#text)))
        }
        Node::Block(block) => {
            let value = value_of(block)?;
            Ok(quote!(#dom::IntoView::into_view(#value)))
        }
        Node::Fragment(fragment) => several(fragment.children()),
        other => Err(Error::new(other.span(), "a view has no place for this")),
    }
}

/// An element with everything in it, up to the next component.
struct Writer {
    template: Template,
    /// Calls that add the parts, in the order of the template's way.
    parts: Vec<TokenStream>,
}

impl Writer {
    fn element(&mut self, element: &NodeElement<rstml::Infallible>) -> Result<()> {
        let tag = element.name().to_string();
        self.template.open(&tag);
        // Properties wait for what is in the element: the value of a list of options needs the options.
        let mut last = Vec::new();
        for attribute in element.attributes() {
            let NodeAttribute::Attribute(attribute) = attribute else {
                return Err(Error::new(attribute.span(), "write name=value"));
            };
            match Named::read(attribute, &tag)? {
                Named::Literal(name, value) => self.template.attribute(&name, &value),
                Named::Part(part) => {
                    self.template.part();
                    self.parts.push(part);
                }
                Named::Property(part) => last.push(part),
            }
        }
        self.template.content();
        for child in element.children() {
            self.child(child)?;
        }
        self.template.close(&tag);
        for part in last {
            self.template.part();
            self.parts.push(part);
        }
        Ok(())
    }

    fn child(&mut self, node: &Node) -> Result<()> {
        match node {
            Node::Element(element) if !is_component(element.name()) => self.element(element),
            Node::Text(text) => {
                self.template.text(&text.value_string());
                Ok(())
            }
            Node::Comment(_) => Ok(()),
            Node::Fragment(fragment) => fragment.children().iter().try_for_each(|child| self.child(child)),
            Node::Block(block) => {
                let value = value_of(block)?;
                self.place(&value);
                Ok(())
            }
            component => {
                let value = alone(component)?;
                self.place(&value);
                Ok(())
            }
        }
    }

    fn place(&mut self, value: &TokenStream) {
        self.template.place();
        self.parts.push(quote!(.child(#value)));
    }

    fn finish(self, tag: &str) -> TokenStream {
        let (html, way, parts) = (&self.template.html, self.template.way(), &self.parts);
        let (dom, is_drawn) = (dom(), is_drawn(tag));
        quote! {{
            static TEMPLATE: #dom::Template = #dom::Template { html: #html, way: #way, is_drawn: #is_drawn };
            #dom::Element::of(&TEMPLATE) #(#parts)* .done()
        }}
    }
}

/// What an attribute of an element is.
enum Named {
    Literal(String, String),
    Part(TokenStream),
    Property(TokenStream),
}

impl Named {
    fn read(attribute: &KeyedAttribute, tag: &str) -> Result<Self> {
        let name = attribute.key.to_string();
        let mut kinds = name.splitn(3, ':');
        let (first, second, third) = (kinds.next().unwrap_or_default(), kinds.next(), kinds.next());
        let value = attribute.value();
        let Some(second) = second else { return Self::plain(&name, value, attribute) };
        let value = value.ok_or_else(|| Error::new(attribute.key.span(), format!("write {name}=value")))?;
        Ok(match (first, third) {
            ("class", None) => Self::Part(quote!(.class(#second, #value))),
            ("style", None) => Self::Part(quote!(.style(#second, #value))),
            ("prop", None) => Self::Property(quote!(.property(#second, #value))),
            ("on", modifier) => {
                let event = Ident::new(second, attribute.key.span());
                match (modifier, target_of(tag)) {
                    (None, _) => Self::Part(quote!(.on(::leptos::ev::#event, #value))),
                    (Some("target"), Some(target)) => {
                        let target = Ident::new(target, Span::call_site());
                        Self::Part(quote!(.on_target::<_, ::web_sys::#target>(::leptos::ev::#event, #value)))
                    }
                    (Some("target"), None) => {
                        return Err(Error::new(
                            attribute.key.span(),
                            format!("the type of a <{tag}> is not known here"),
                        ));
                    }
                    _ => return Err(Error::new(attribute.key.span(), "write on:event or on:event:target")),
                }
            }
            _ => return Err(Error::new(attribute.key.span(), "write class:, style:, prop: or on: before the colon")),
        })
    }

    fn plain(name: &str, value: Option<&Expr>, attribute: &KeyedAttribute) -> Result<Self> {
        Ok(match (name, value) {
            (_, None) => Self::Literal(name.to_owned(), String::new()),
            ("node_ref", Some(value)) => Self::Part(quote!(.reference(#value))),
            ("inner_html", Some(value)) => Self::Property(quote!(.property("innerHTML", #value))),
            (name, Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. }))) => {
                Self::Literal(name.to_owned(), text.value())
            }
            (name, Some(value)) => Self::Part(quote_spanned!(attribute.key.span()=> .attribute(#name, #value))),
        })
    }
}

/// The browser's type for elements that people change.
fn target_of(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "input" => "HtmlInputElement",
        "select" => "HtmlSelectElement",
        "textarea" => "HtmlTextAreaElement",
        _ => return None,
    })
}

fn is_component(name: &NodeName) -> bool {
    let NodeName::Path(path) = name else { return false };
    path.path.segments.last().is_some_and(|last| last.ident.to_string().starts_with(|first: char| first.is_uppercase()))
}

/// A call of a component.
fn component(element: &NodeElement<rstml::Infallible>) -> Result<TokenStream> {
    let name = element.name();
    let mut properties = Vec::new();
    for attribute in element.attributes() {
        let NodeAttribute::Attribute(attribute) = attribute else {
            return Err(Error::new(attribute.span(), "write property=value"));
        };
        let NodeName::Path(property) = &attribute.key else {
            return Err(Error::new(attribute.key.span(), "a property of a component is a name of Rust"));
        };
        let value = attribute.value().map_or_else(|| quote!(true), |value| value.to_token_stream());
        properties.push(quote!(.#property(#value)));
    }
    let children = element.children();
    if !children.is_empty() {
        let (dom, children) = (dom(), several(children)?);
        properties.push(quote!(.children(#dom::ToChildren::to_children(move || #children))));
    }
    Ok(quote! {
        ::leptos::component::component_view(#name, ::leptos::component::component_props_builder(&#name) #(#properties)* .build())
    })
}

/// What stands between braces, without them where it is one expression.
fn value_of(block: &NodeBlock) -> Result<TokenStream> {
    let block = Block::try_from(block.clone())?;
    Ok(match block.stmts.as_slice() {
        [Stmt::Expr(value, None)] => value.to_token_stream(),
        _ => block.to_token_stream(),
    })
}
