//! `throng schema`: what programs need to know about scenarios, results and templates.

use shared::results_schema::results_schema;
use shared::scenario_schema;
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
    anstream::println!("{}", serde_json::to_string_pretty(&value).map_err(Refusal::failed)?);
    Ok(Exit::Done)
}
