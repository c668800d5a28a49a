//! `#[derive(Readable)]`: how a struct or an enum is read from a `shared::tree::Node`.
//!
//! It goes by serde's attributes, so that a type says once how it is written, and refuses those that it does not know.
//! What it writes are calls: one for each field, each a few bytes in the panel, where serde's visitors are hundreds.

mod attributes;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Data, DataEnum, DeriveInput, Error, Field, Fields, Result, parse_macro_input};

use attributes::{Absent, Container, Named};

/// The crate whose trait is derived; it knows this one, not this one it.
const HOME: &str = "shared";

/// Derives `shared::tree::read::Readable`.
#[proc_macro_derive(Readable, attributes(serde))]
pub fn readable(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::of(&input.attrs)?;
    let home = Ident::new(HOME, Span::call_site());
    let known = match &input.data {
        Data::Struct(data) if !container.strict && matches!(data.fields, Fields::Named(_)) => {
            let names = names(data.fields.iter())?;
            quote!(const KNOWN: ::core::option::Option<&'static [&'static str]> = ::core::option::Option::Some(&[#(#names),*]);)
        }
        _ => TokenStream::new(),
    };
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => structure(fields.named.iter(), &container)?,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                quote!(::#home::tree::read::Readable::read(node, reader).map(Self))
            }
            Fields::Unnamed(_) | Fields::Unit => return Err(unfit("has no names to read")),
        },
        Data::Enum(data) => choice(data, &container)?,
        Data::Union(_) => return Err(unfit("is a union")),
    };
    let name = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::#home::tree::read::Readable for #name {
            #known

            fn read<'t>(
                node: &'t ::#home::tree::Node,
                reader: &mut ::#home::tree::read::Reader<'t>,
            ) -> ::core::option::Option<Self> {
                #body
            }
        }
    })
}

/// A struct whose fields are all its default's until they are read, or one that is put together from them.
fn structure<'a>(fields: impl Iterator<Item = &'a Field> + Clone, container: &Container) -> Result<TokenStream> {
    if container.has_case() {
        return Err(unfit("spells the names of its fields in another case"));
    }
    let strict = container.strict;
    let names = names(fields.clone())?;
    let open = quote!(let mut fields = reader.fields(node, &[#(#names),*], #strict)?;);
    if !container.default {
        let value = built(&quote!(Self), fields)?;
        return Ok(quote!(#open #value));
    }
    for field in fields.clone() {
        if !matches!(Named::of(&field.attrs)?.absent, Absent::Own) {
            return Err(Error::new_spanned(field, "is what the default of the whole has"));
        }
    }
    let idents = fields.map(|field| &field.ident);
    let index = 0..names.len();
    Ok(quote! {
        #open
        let mut value = <Self as ::core::default::Default>::default();
        #(fields.put(#index, &mut value.#idents);)*
        ::core::option::Option::Some(value)
    })
}

/// Reads every field before it gives up for one that lacks, so that all that is wrong is found.
fn built<'a>(path: &TokenStream, fields: impl Iterator<Item = &'a Field>) -> Result<TokenStream> {
    let mut reads = Vec::new();
    let mut idents = Vec::new();
    for (index, field) in fields.enumerate() {
        let ident = &field.ident;
        let read = match Named::of(&field.attrs)?.absent {
            Absent::Own => quote!(fields.take(#index)),
            Absent::Default => quote!(fields.take_or(#index, ::core::default::Default::default)),
            Absent::From(function) => quote!(fields.take_or(#index, #function)),
        };
        reads.push(quote!(let #ident = #read;));
        idents.push(ident);
    }
    Ok(quote!(#(#reads)* ::core::option::Option::Some(#path { #(#idents: #idents?),* })))
}

/// An enum, written as a name or as a map with that one key.
fn choice(data: &DataEnum, container: &Container) -> Result<TokenStream> {
    let mut known = Vec::new();
    let mut arms = Vec::new();
    let mut bare = true;
    for variant in &data.variants {
        let named = Named::of(&variant.attrs)?;
        let names = named.names(container.spell(&variant.ident.to_string()));
        let index = known.len()..known.len() + names.len();
        let ident = &variant.ident;
        let value = match &variant.fields {
            Fields::Unit => None,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Some(quote!(choice.held().map(Self::#ident))),
            Fields::Unnamed(_) => return Err(Error::new_spanned(variant, "holds several values without names")),
            Fields::Named(fields) => {
                let names = self::names(fields.named.iter())?;
                let value = built(&quote!(Self::#ident), fields.named.iter())?;
                let strict = container.strict;
                Some(quote!(choice.fields(&[#(#names),*], #strict, |mut fields| { #value })))
            }
        };
        bare &= value.is_none();
        arms.push((quote!(#(#index)|*), ident, value));
        known.extend(names);
    }
    let arms = arms.into_iter().map(|(index, ident, value)| match value {
        Some(value) => quote!(#index => #value,),
        None if bare => quote!(#index => Self::#ident,),
        None => quote!(#index => choice.alone().map(|()| Self::#ident),),
    });
    // The reader gives an index of a name that it was told.
    let known = quote!(&[#(#known),*]);
    Ok(match bare {
        true => quote! {
            let choice = reader.choice(node, #known)?;
            let index = choice.index();
            choice.alone()?;
            ::core::option::Option::Some(match index { #(#arms)* _ => return ::core::option::Option::None })
        },
        false => quote! {
            let choice = reader.choice(node, #known)?;
            match choice.index() { #(#arms)* _ => ::core::option::Option::None }
        },
    })
}

fn names<'a>(fields: impl Iterator<Item = &'a Field>) -> Result<Vec<String>> {
    fields
        .map(|field| {
            let named = Named::of(&field.attrs)?;
            if named.aliases.is_empty() {
                let name = field.ident.as_ref().map(|name| name.unraw().to_string()).unwrap_or_default();
                Ok(named.rename.unwrap_or(name))
            } else {
                Err(Error::new_spanned(field, "a field has one name"))
            }
        })
        .collect()
}

fn unfit(what: &str) -> Error {
    Error::new(Span::call_site(), format!("cannot be read from a tree: {what}"))
}
