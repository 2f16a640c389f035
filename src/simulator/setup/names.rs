//! Names that are taken.

use serde_json::{Value, json};

use crate::simulator::contract::{NAME_LENGTH, Switch, Switches};
use crate::simulator::refusal::{Refusal, Violation, refuse_all};

pub fn taken_status(switches: &Switches) -> u16 {
    if switches.is(Switch::DuplicateStatus, "409") {
        409
    } else {
        400
    }
}

pub fn same_label(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Returns a name similar to `name` that is not taken and not too long.
pub fn another_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = |number: u64| {
        let ending = format!(" ({number})");
        let kept: String = name.chars().take(NAME_LENGTH - ending.len()).collect();
        kept + &ending
    };
    let mut number = 1;
    while taken(&numbered(number)) {
        number += 1;
    }
    numbered(number)
}

/// Rejects a name that is in use. If `entity` is given, the metadata contains it as the entity that uses the
/// name.
pub fn conflict(
    switches: &Switches,
    code: &'static str,
    name: &str,
    entity: Option<Value>,
) -> Result<(), Refusal> {
    let mut violation = Violation::new(code, format!("The name {name:?} is taken."));
    if let Some(entity) = entity {
        violation
            .metadata
            .insert("conflictingEntities".into(), json!([entity]));
    }
    refuse_all(taken_status(switches), vec![violation])
}
