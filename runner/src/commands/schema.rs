//! `throng schema`: what programs need to know about scenarios, results and templates.

use shared::results_schema::results_schema;
use shared::scenario_schema;
use shared::schema_page::{results_page, scenario_page};
use shared::template::reference::ENTRIES;

use super::{Exit, Refusal};
use crate::cli::{SchemaArgs, SchemaOf};

/// Prints the schema.
pub(super) fn schema(args: &SchemaArgs) -> Result<Exit, Refusal> {
    let value = match args.of {
        SchemaOf::Scenario => scenario_schema::schema(),
        SchemaOf::Results => results_schema(),
        SchemaOf::Templates => serde_json::to_value(ENTRIES).map_err(Refusal::failed)?,
    };
    if args.markdown {
        let page = match args.of {
            SchemaOf::Scenario => scenario_page(&value),
            SchemaOf::Results => results_page(&value),
            SchemaOf::Templates => {
                return Err(Refusal::usage("templates have no page made from types")
                    .with_hint("docs/templates.md is theirs; `throng schema templates` lists what they know"));
            }
        };
        anstream::print!("{page}");
        return Ok(Exit::Done);
    }
    anstream::println!("{}", serde_json::to_string_pretty(&value).map_err(Refusal::failed)?);
    Ok(Exit::Done)
}
