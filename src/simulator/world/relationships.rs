//! The relationships of a project: lookups and changes.

use uuid::Uuid;

use super::project::World;
use super::relationship::{Entity, Relationship, pair};

impl World {
    /// Creates a relationship and returns its index.
    pub fn add_relationship(&mut self, id: Uuid, entities: [Entity; 2], read_only: bool) -> usize {
        let place = self.relationships.len();
        self.pairs.insert(pair(&entities), place);
        self.relationship_index.insert(id, place);
        self.relationships.push(Relationship {
            id,
            entities,
            created_at: self.now,
            deleted_at: None,
            read_only,
        });
        place
    }

    /// Returns the index of a relationship in `relationships`.
    #[must_use]
    pub fn relationship_position(&self, id: Uuid) -> Option<usize> {
        self.relationship_index.get(&id).copied()
    }

    /// Returns the index of the newest relationship between two entities, in either order, even if the
    /// relationship is deleted.
    #[must_use]
    pub fn relationship_of(&self, entities: &[Entity; 2]) -> Option<usize> {
        self.pairs.get(&pair(entities)).copied()
    }
}
