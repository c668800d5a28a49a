//! The profiles of a scenario in words.

use crate::api::ProfileSummary;
use crate::scenario::model::load::Load;
use crate::scenario::model::{Scenario, Workload};
use crate::scenario::options::LoadOptions;
use crate::scenario::path::find;
use crate::scenario::read::read;
use crate::scenario::source::compose;
use crate::tree::Node;

/// The profiles of a scenario's text and what each leads to (`10/s for 1m, 10 users`), those of the built-in that it
/// extends included.
pub fn profiles(text: &str) -> Vec<ProfileSummary> {
    let document = compose(text, &LoadOptions::new("")).document;
    let entries = document.get("profiles").and_then(Node::as_map).unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            let options = LoadOptions { profile: Some(&entry.key), ..LoadOptions::new("") };
            let document = compose(text, &options).document;
            let scenario = read::<Scenario>(&document).value.unwrap_or_default();
            ProfileSummary { name: entry.key.clone(), summary: in_words(&scenario, &document) }
        })
        .collect()
}

fn in_words(scenario: &Scenario, document: &Node) -> String {
    let enabled: Vec<(&String, &Workload)> =
        scenario.workloads.iter().filter(|(_, workload)| workload.enabled).collect();
    let lines: Vec<String> = enabled
        .iter()
        .map(|(name, workload)| {
            // A population that nobody wrote down is of no interest.
            let population = find(document, &format!("workloads.{name}.population.count")).complete;
            let line = workload_in_words(workload, population);
            if enabled.len() == 1 { line } else { format!("{name} {line}") }
        })
        .collect();
    lines.join("; ")
}

fn workload_in_words(workload: &Workload, population: bool) -> String {
    let Load { rate, users, per_connection, count, concurrency, ratio_of, ratio, .. } = &workload.load;
    let mut words = Vec::new();
    if let Some(rate) = rate {
        words.push(rate.to_string());
    }
    if let Some(users) = users {
        words.push(format!("{users} users at a time"));
    }
    if let Some(rate) = per_connection {
        words.push(format!("{rate} per connection"));
    }
    if let Some(count) = count {
        words.push(format!("{count} events"));
    }
    if let Some(concurrency) = concurrency {
        words.push(if *concurrency == 1 { "one at a time".to_owned() } else { format!("{concurrency} at a time") });
    }
    if let (Some(other), Some(ratio)) = (ratio_of, ratio) {
        words.push(format!("{ratio} per arrival of {other}"));
    }
    let mut line = words.join(", ");
    if let Some(duration) = &workload.load.duration {
        line.push_str(match duration.span() {
            Some(_) => " for ",
            None => " ",
        });
        line.push_str(&duration.to_string());
    }
    if population && users.is_none() && per_connection.is_none() && concurrency.is_none() {
        line.push_str(&format!(", {} users", workload.population.count));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_says_what_it_leads_to() {
        let summaries = profiles("extends: commerce-events");
        let words: Vec<String> =
            summaries.into_iter().map(|profile| format!("{}: {}", profile.name, profile.summary)).collect();
        assert!(words.contains(&"tpcw_browsing: 100/s for 10m, 700 users".to_owned()), "{words:?}");
        assert_eq!(
            words[..4],
            [
                "quick_test: 10/s for 1m, 10 users",
                "medium_load: 100/s for 10m, 100 users",
                "heavy_load: 500/s for 30m, 1000 users",
                "stress_test: 1000/s for 1h, 5000 users",
            ]
        );
    }
}
