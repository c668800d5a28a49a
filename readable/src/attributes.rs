//! Serde's attributes, as far as they say how something is read.

use std::collections::BTreeSet;

use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Path, Result};

/// What is said of a struct or an enum.
#[derive(Default)]
pub(crate) struct Container {
    /// Whether fields that are not written are those of the type's default.
    pub(crate) default: bool,
    /// Whether names that it does not know are wrong.
    pub(crate) strict: bool,
    case: Case,
}

/// How the names of variants are spelt.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Case {
    #[default]
    AsDeclared,
    Snake,
    Upper,
}

impl Container {
    /// Reads the attributes of a type.
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        each(attributes, |meta| {
            match name_of(&meta).as_str() {
                "default" => container.default = true,
                "deny_unknown_fields" => container.strict = true,
                "transparent" => {}
                "rename_all" => {
                    container.case = match text(&meta)?.as_str() {
                        "snake_case" => Case::Snake,
                        "UPPERCASE" => Case::Upper,
                        other => return Err(meta.error(format!("`{other}` is not known here"))),
                    }
                }
                _ => return Err(meta.error("is not known here")),
            }
            Ok(())
        })?;
        Ok(container)
    }

    /// Whether names are spelt in another way than they are declared.
    pub(crate) fn has_case(&self) -> bool {
        self.case != Case::AsDeclared
    }

    /// The name of a variant, unless it has one of its own.
    pub(crate) fn spell(&self, ident: &str) -> String {
        match self.case {
            Case::AsDeclared => ident.to_owned(),
            Case::Upper => ident.to_ascii_uppercase(),
            Case::Snake => {
                let mut name = String::new();
                for letter in ident.chars() {
                    if letter.is_ascii_uppercase() && !name.is_empty() {
                        name.push('_');
                    }
                    name.push(letter.to_ascii_lowercase());
                }
                name
            }
        }
    }
}

/// What is said of a field or a variant.
#[derive(Default)]
pub(crate) struct Named {
    /// The name that it has instead of its own.
    pub(crate) rename: Option<String>,
    /// Names that it has besides.
    pub(crate) aliases: Vec<String>,
    /// What it is where nothing is written.
    pub(crate) absent: Absent,
}

/// What a field is where nothing is written.
#[derive(Default)]
pub(crate) enum Absent {
    /// What its type says of itself.
    #[default]
    Own,
    /// The default of its type.
    Default,
    /// What a function gives.
    From(Path),
}

impl Named {
    /// Reads the attributes of a field or a variant.
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut named = Self::default();
        each(attributes, |meta| {
            match name_of(&meta).as_str() {
                "rename" => named.rename = Some(text(&meta)?),
                "alias" => named.aliases.push(text(&meta)?),
                "default" if meta.input.peek(syn::Token![=]) => {
                    named.absent = Absent::From(meta.value()?.parse::<LitStr>()?.parse()?);
                }
                "default" => named.absent = Absent::Default,
                "skip_serializing_if" => drop(text(&meta)?),
                _ => return Err(meta.error("is not known here")),
            }
            Ok(())
        })?;
        Ok(named)
    }

    /// Every name that it goes by, in the order in which serde tells them.
    pub(crate) fn names(self, spelt: String) -> BTreeSet<String> {
        let name = self.rename.unwrap_or(spelt);
        self.aliases.into_iter().chain([name]).collect()
    }
}

fn each(attributes: &[Attribute], mut said: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
        .try_for_each(|attribute| attribute.parse_nested_meta(&mut said))
}

fn name_of(meta: &ParseNestedMeta<'_>) -> String {
    meta.path.get_ident().map(ToString::to_string).unwrap_or_default()
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<String> {
    Ok(meta.value()?.parse::<LitStr>()?.value())
}
