//! Replaces the ids in a column by names. An id without a name stays.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::columns::{Cell, Image, Kinds, PageColumn};
use crate::model::bytes::same;
use crate::model::text::joined;
use crate::settings::{Reference, Settings};

/// The number of bits of the digest of an id.
const BITS: u32 = 15;

/// The maximum number of ids to remember, enough for the locations of a large project. Half as many as there are
/// digests.
const MOST_IDS: usize = 1 << (BITS - 1);

/// The number of slots to search for an id.
const SLOTS: usize = 8;

/// Marks a slot without an id.
const EMPTY: u16 = u16::MAX;

/// The names of what the ids in one column refer to.
pub(super) struct Names<'c> {
    settings: &'c Settings,
    reference: Reference,
    /// Recent ids with their names. Columns repeat ids, and a comparison is faster than a lookup.
    recent: Vec<(&'c str, &'c str)>,
    /// Where a recent id is: at its digest or in one of the slots that follow.
    slots: Vec<u16>,
}

impl<'c> Names<'c> {
    pub(super) fn new(settings: &'c Settings, reference: Reference) -> Self {
        Self {
            settings,
            reference,
            recent: Vec::new(),
            slots: vec![EMPTY; (1 << BITS) + SLOTS],
        }
    }

    /// Replaces each id by its name. Several options are one text.
    pub(super) fn texts(&mut self, column: &'c Arc<PageColumn>) -> Option<Arc<PageColumn>> {
        self.replaced(column, Kinds::TEXT, Self::text)
    }

    /// Replaces each list of ids by a list of names.
    pub(super) fn lists(&mut self, column: &'c Arc<PageColumn>) -> Option<Arc<PageColumn>> {
        self.replaced(column, Kinds::LIST, Self::list)
    }

    fn replaced(
        &mut self,
        column: &'c Arc<PageColumn>,
        usual: Kinds,
        image: impl Fn(&mut Self, Cell<'c>) -> Image<'c>,
    ) -> Option<Arc<PageColumn>> {
        let is_usual = column.kinds().within(usual);
        let renamed = is_usual.then(|| column.renamed(|id| self.name(id))).flatten();
        let replaced = renamed.or_else(|| column.mapped(|cell| Some(image(self, cell))));
        replaced.map(Arc::new)
    }

    fn name(&mut self, id: &'c str) -> &'c str {
        let digest = digest(id);
        let mut free = None;
        // The digest has `BITS` bits, so the slots exist.
        for at in digest..digest + SLOTS {
            match self.recent.get(usize::from(self.slots[at])) {
                Some((known, name)) if same(known.as_bytes(), id.as_bytes()) => return name,
                Some(_) => {}
                None => {
                    free = Some(at);
                    break;
                }
            }
        }
        let name = self.settings.name_of(self.reference, id).unwrap_or(id);
        if self.recent.len() == MOST_IDS {
            self.recent.clear();
            self.slots.fill(EMPTY);
            free = Some(digest);
        }
        if let (Some(at), Ok(index)) = (free, u16::try_from(self.recent.len())) {
            self.slots[at] = index;
            self.recent.push((id, name));
        }
        name
    }

    fn owned(&self, id: &str) -> Cow<'c, str> {
        match self.settings.name_of(self.reference, id) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(id.to_owned()),
        }
    }

    fn text(&mut self, cell: Cell<'c>) -> Image<'c> {
        let is_option = matches!(self.reference, Reference::Choice(_));
        let several = |items: &[Cow<'_, str>]| {
            let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
            Image::Text(joined(&items).into())
        };
        match cell {
            Cell::Text(id) => Image::Text(self.name(id).into()),
            cell => match cell.to_value() {
                Value::String(id) => Image::Text(self.owned(&id)),
                Value::Number(id) => Image::Text(self.owned(&id.to_string())),
                Value::Array(items) if is_option => match self.names(&items) {
                    Some(names) => several(&names),
                    None => Image::Json(Value::from(items).to_string()),
                },
                other => Image::Json(other.to_string()),
            },
        }
    }

    fn list(&mut self, cell: Cell<'c>) -> Image<'c> {
        match cell.to_value() {
            Value::String(id) => Image::List(vec![self.owned(&id)]),
            Value::Array(items) => match self.names(&items) {
                Some(names) => Image::List(names),
                None => Image::Json(Value::from(items).to_string()),
            },
            other => Image::Json(other.to_string()),
        }
    }

    /// Returns the names for a list of ids. `None` if the list has other items.
    fn names(&self, ids: &[Value]) -> Option<Vec<Cow<'c, str>>> {
        ids.iter().map(|id| Some(self.owned(id.as_str()?))).collect()
    }
}

/// Returns an index for an id. The first and last characters distinguish most ids.
fn digest(id: &str) -> usize {
    let bytes = id.as_bytes();
    let word = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29),
        _ => bytes
            .iter()
            .fold(0, |word: u64, byte| (word << 8) | u64::from(*byte)),
    };
    let upper = word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - BITS);
    usize::try_from(upper).unwrap_or(0)
}
