//! The options of a custom attribute.

use std::collections::HashMap;
use std::sync::Arc;

use crate::simulator::world::{Attribute, Choice, Stamp, World};

/// Sets the options of an attribute. An existing option keeps its id, even if the case of its label changes.
/// An omitted option is deactivated rather than removed, since assets may still use it.
pub fn relabel(
    world: &mut World,
    attribute: &mut Attribute,
    labels: Vec<String>,
    user: &Arc<str>,
    version: u64,
) {
    let now = world.now;
    let mut left: Vec<Option<Choice>> = std::mem::take(&mut attribute.choices)
        .into_iter()
        .map(Some)
        .collect();
    let places: HashMap<String, usize> = left
        .iter()
        .enumerate()
        .filter_map(|(place, choice)| Some((choice.as_ref()?.label.to_lowercase(), place)))
        .collect();
    for label in labels {
        let known = places
            .get(&label.to_lowercase())
            .and_then(|place| left[*place].take());
        let choice = match known {
            Some(mut choice) => {
                if choice.label != label || !choice.stamp.active() {
                    choice.stamp.change(now, user, version);
                    choice.stamp.deleted = None;
                }
                choice.label = label;
                choice
            }
            None => Choice {
                id: world.new_id(),
                label,
                stamp: Stamp::new(now, user, version),
            },
        };
        attribute.choices.push(choice);
    }
    for mut choice in left.into_iter().flatten() {
        if choice.stamp.active() {
            choice.stamp.delete(now, user, version);
        }
        attribute.choices.push(choice);
    }
}
