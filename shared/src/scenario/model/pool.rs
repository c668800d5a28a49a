//! Pools: what exists and can be drawn from.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::tree::Node;
use crate::units::Nanos;

/// What exists and can be drawn from; it has exactly one source.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pool {
    /// The items themselves: a list, or a map from the name of a group to its list (`{$pool: "errors.500"}`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<Node>,
    /// Items made from a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
    /// Items from a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PoolFile>,
    /// Items asked from a target before the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch: Option<Fetch>,
    /// Items that Throng brings along, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builtin: Option<String>,
    /// How an item is chosen.
    pub pick: Pick,
}

/// Items made from a template, each from its own number.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Generate {
    /// How many.
    pub count: u32,
    /// Template of one; `index` is its number from 1.
    pub item: Node,
}

/// Items from a file: one per line of JSON, or one per row with a header.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PoolFile {
    /// A file of comma-separated values with a header.
    Csv(String),
    /// A file with one JSON value per line.
    Jsonl(String),
}

/// Items asked from a target before the run.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fetch {
    /// Name of the target.
    pub target: String,
    /// Path below its url.
    pub path: String,
    /// Query parameters.
    pub query: IndexMap<String, Node>,
    /// Where the list stands in the answer, as a path such as `$.items`; the whole answer when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<String>,
    /// Fewest items with which the run makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// How the target gives long lists; all at once when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// How often to ask again; once when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Nanos>,
}

/// How a target gives a long list, page by page.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Paging {
    /// By the number of items before the page, until a page is short.
    Offset {
        /// Items of a full page, sent as `limit`.
        size: u32,
        /// Name of the parameter for the items before the page.
        #[serde(default = "offset_parameter")]
        offset: String,
        /// Name of the parameter for the size of a page.
        #[serde(default = "limit_parameter")]
        limit: String,
    },
    /// By the number of the page, until a page is short.
    Page {
        /// Items of a full page, sent as `limit`.
        size: u32,
        /// Name of the parameter for the number of the page.
        #[serde(default = "page_parameter")]
        page: String,
        /// Name of the parameter for the size of a page.
        #[serde(default = "limit_parameter")]
        limit: String,
        /// Number of the first page.
        #[serde(default = "first_page")]
        first: u32,
    },
    /// By the address of the next page, which stands in the answer at this path (`$.next`), until there is none.
    Next(String),
    /// By the address of the next page in the answer's `Link` header (`rel="next"`), until there is none.
    Link,
}

fn offset_parameter() -> String {
    "offset".to_owned()
}

fn limit_parameter() -> String {
    "limit".to_owned()
}

fn page_parameter() -> String {
    "page".to_owned()
}

fn first_page() -> u32 {
    1
}

/// How an item is chosen.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pick {
    /// Each as often as any other.
    #[default]
    Uniform,
    /// By Zipf's law with this exponent; which item is popular is decided by the seed, not by its place in the list.
    Zipf(f64),
    /// By the number in this field of the item.
    Weighted(String),
    /// By weights for the values of a field, evenly among the items that share one.
    By {
        /// The field.
        field: String,
        /// Weight by value of the field.
        weights: IndexMap<String, f64>,
    },
    /// Mostly the newest items: the rank is drawn from an exponential distribution with this mean.
    Recent(f64),
    /// A few items take most: `share` of the draws go to the first `items` of them.
    Hot {
        /// How many items are hot.
        items: u32,
        /// Share of draws that they take.
        share: f64,
    },
}
