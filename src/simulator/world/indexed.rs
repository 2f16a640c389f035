//! Lists with an index by id, so that lookups are as fast in large projects as in small ones.

use std::collections::HashMap;
use std::ops::Deref;

use uuid::Uuid;

/// A member of an `Indexed` list.
pub trait Identified {
    /// Returns the id, which never changes.
    fn id(&self) -> Uuid;
}

/// A list in order of creation, with an index by id. The list dereferences to a slice. Members are never
/// removed.
#[derive(Debug)]
pub struct Indexed<T> {
    rows: Vec<T>,
    places: HashMap<Uuid, usize>,
}

impl<T> Default for Indexed<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Identified> Indexed<T> {
    /// Adds a member at the end.
    pub fn push(&mut self, row: T) {
        self.places.insert(row.id(), self.rows.len());
        self.rows.push(row);
    }

    /// Returns the member with this id.
    #[must_use]
    pub fn by_id(&self, id: Uuid) -> Option<&T> {
        self.rows.get(*self.places.get(&id)?)
    }

    /// Returns the member with this id. Everything except the id may be changed.
    pub fn by_id_mut(&mut self, id: Uuid) -> Option<&mut T> {
        self.rows.get_mut(*self.places.get(&id)?)
    }
}

impl<T> Deref for Indexed<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.rows
    }
}

impl<'a, T> IntoIterator for &'a Indexed<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}
