//! What a built-in sends is the same on every platform and for every number of workers, bit for bit.
//!
//! `cargo xtask test` runs this natively and as WebAssembly. A fingerprint that changes means that every seed now means
//! something else: that is a change of its own, with its reason.

#[path = "supplies/grocery.rs"]
mod grocery;

use std::sync::Arc;

use shared::compile::compile_with;
use shared::plan::{Plan, Share};
use shared::scenario::{LoadOptions, built_in};
use shared::units::{EpochMicros, Nanos};

const START: EpochMicros = EpochMicros(1_772_366_400_000_000);
/// How far each plan is followed: the time, longer where things live longer, and the events of one worker.
const UNTIL: Nanos = Nanos::from_secs(20);
const LIVES_UNTIL: Nanos = Nanos::from_secs(3_600);
const MOST: usize = 4_000;

/// Built-in, profile, fingerprint of what it sends.
const SENT: [(&str, Option<&str>, u64); 6] = [
    ("api-monitoring", None, 0xe0f6_768a_3dd1_b85f),
    ("commerce-events", Some("medium_load"), 0x83ce_2f04_9c31_64e7),
    ("demo", None, 0x4ade_ecab_4f31_c972),
    ("freshmart", Some("standard"), 0x2340_8b1d_7eb7_b7ac),
    ("stream-testbench", Some("mixed"), 0xaa39_d4be_48bf_4615),
    ("web-analytics", None, 0x9287_0e64_cac5_2029),
];

/// One number for some bytes (FNV-1a).
fn digest(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One number for everything that some workers send until a moment, whatever the order between them.
fn fingerprint(plan: &Arc<Plan>, until: Nanos, count: u32) -> u64 {
    let mut sum = 0_u64;
    for workload in 0..plan.workloads().len() {
        let schedule = plan.workloads()[workload].schedule(START);
        for index in 0..count {
            let mut cursor = plan.cursor(workload, Share { index, count });
            let mut out = Vec::new();
            for _ in 0..MOST {
                let Some(due) = cursor.next_due(&schedule).filter(|due| *due < until) else { break };
                out.clear();
                let planned = cursor.emit(START.plus(due), &mut out);
                let place =
                    digest(0xcbf2_9ce4_8422_2325, &[&due.0.to_le_bytes()[..], &planned.id.0.to_le_bytes()].concat());
                sum = sum.wrapping_add(digest(place, &out));
            }
        }
    }
    sum
}

#[test]
fn every_built_in_sends_the_same_everywhere() {
    let mut wrong = Vec::new();
    for (name, profile, expected) in SENT {
        let text = built_in::find(name).expect("the list names built-ins").text;
        let compiled =
            compile_with(text, &LoadOptions { profile, ..LoadOptions::new(name) }, 1, &|_, _| grocery::supplies());
        let plan = compiled.plan.unwrap_or_else(|| panic!("{name}: {:#?}", compiled.problems));
        let until = if name == "freshmart" { LIVES_UNTIL } else { UNTIL };
        for count in [1, 2, 7, 16] {
            let sent = fingerprint(&plan, until, count);
            if sent != expected {
                wrong.push(format!("{name} with {count} workers: {sent:#018x}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_built_in_is_held() {
    for known in built_in::all() {
        assert!(SENT.iter().any(|(name, ..)| *name == known.name), "{} has no fingerprint", known.name);
    }
}
