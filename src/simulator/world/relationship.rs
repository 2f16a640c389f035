//! A relationship and its ends.

use std::sync::Arc;

use uuid::Uuid;

use super::stamp::Millis;

/// One end of a relationship.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entity {
    pub domain: Arc<str>,
    pub kind: Arc<str>,
    pub id: Box<str>,
}

/// A link between two entities.
#[derive(Debug, Clone)]
pub struct Relationship {
    pub id: Uuid,
    pub entities: [Entity; 2],
    pub created_at: Millis,
    pub deleted_at: Option<Millis>,
    pub read_only: bool,
}

/// Sorts the two entities in a pair, so that their order does not matter.
pub fn pair(entities: &[Entity; 2]) -> [Entity; 2] {
    let mut pair = entities.clone();
    pair.sort();
    pair
}
