//! The response bodies that reasons refer to, stored once each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// The maximum total size of stored response bodies, in bytes. A body that would exceed this maximum is
/// truncated.
const MOST_BODIES: usize = 16 << 20;
const BEGINNING: usize = 2 << 10;

/// Response bodies, without duplicates.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Bodies {
    pub texts: BTreeMap<u32, Body>,
    next: u32,
    bytes: usize,
    /// The number of each body in `texts`, keyed by the body's digest.
    #[serde(skip)]
    known: HashMap<u64, u32>,
}

impl PartialEq for Bodies {
    fn eq(&self, other: &Self) -> bool {
        let texts = |bodies: &Self| -> Vec<(u32, Arc<str>)> {
            let texts = bodies.texts.iter();
            texts.map(|(number, body)| (*number, body.text.clone())).collect()
        };
        texts(self) == texts(other)
    }
}

/// A body, and how many reasons refer to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    pub text: Arc<str>,
    /// The digest of the body as received, even if only its beginning is kept. For a restored body, the
    /// digest of the stored text.
    digest: u64,
    uses: u32,
}

impl Bodies {
    /// Adds a body and returns its number.
    pub fn add(&mut self, text: &Arc<str>) -> u32 {
        let digest = xxh3_64(text.as_bytes());
        let known = self
            .known
            .get(&digest)
            .and_then(|known| Some((*known, self.texts.get(known)?)));
        let is_this = |kept: &Arc<str>| Arc::ptr_eq(kept, text) || kept == text || *kept == beginning(text);
        if let Some((number, _)) = known.filter(|(_, body)| is_this(&body.text)) {
            return number;
        }
        let whole = self.bytes.saturating_add(text.len()) <= MOST_BODIES;
        let number = self.next;
        self.put(number, if whole { text.clone() } else { beginning(text) }, digest);
        number
    }

    fn put(&mut self, number: u32, text: Arc<str>, digest: u64) {
        self.bytes = self.bytes.saturating_add(text.len());
        self.next = self.next.max(number.saturating_add(1));
        self.known.insert(digest, number);
        self.texts.insert(
            number,
            Body {
                text,
                digest,
                uses: 0,
            },
        );
    }

    /// Records that one more reason refers to a body.
    pub fn hold(&mut self, number: u32) {
        if let Some(body) = self.texts.get_mut(&number) {
            body.uses += 1;
        }
    }

    /// Restores a body.
    pub fn restore(&mut self, number: u32, text: Arc<str>) {
        let digest = xxh3_64(text.as_bytes());
        self.put(number, text, digest);
    }

    /// Removes one reference to a body. Returns `true` if it was the last reference.
    pub fn release(&mut self, number: u32) -> bool {
        let Some(body) = self.texts.get_mut(&number) else {
            return false;
        };
        body.uses = body.uses.saturating_sub(1);
        let drops = body.uses == 0;
        if drops {
            self.bytes = self.bytes.saturating_sub(body.text.len());
            self.known.remove(&body.digest);
            self.texts.remove(&number);
        }
        drops
    }

    /// Returns whether each number has been assigned. In a damaged pickle, some may not have been.
    pub fn is_whole(&self) -> bool {
        self.texts.keys().all(|number| *number < self.next)
    }
}

/// Truncates a long body to its first 2 KiB and adds a note. Returns a shorter body unchanged.
fn beginning(text: &Arc<str>) -> Arc<str> {
    if text.len() <= BEGINNING {
        return text.clone();
    }
    let mut end = BEGINNING;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!(
        "{}\n[truncated to {end} of {} bytes, because the stored responses of this run take {} MiB]",
        &text[..end],
        text.len(),
        MOST_BODIES >> 20
    )
    .into()
}
