//! Shapes: ordered lists of members, shared by rows with equal members.

use std::collections::HashMap;

use super::spare::fit;
use crate::model::scan::Odd;

/// Marks a row that was read by the slow reader.
const NO_SHAPE: u32 = u32::MAX;

/// The shapes of the rows on a page.
#[derive(Debug)]
pub(super) struct Shapes {
    /// The members of the current row.
    current: Vec<u32>,
    known: Vec<Box<[u32]>>,
    /// The index of each shape in `known`, keyed by a digest of the shape's members.
    by_digest: HashMap<u64, u32>,
    /// The shape of each row.
    of_rows: Vec<u32>,
}

impl Shapes {
    pub fn new(rows: usize) -> Self {
        Self {
            current: Vec::new(),
            known: Vec::new(),
            by_digest: HashMap::new(),
            of_rows: Vec::with_capacity(rows),
        }
    }

    #[inline]
    pub fn begin_row(&mut self) {
        self.current.clear();
    }

    /// Adds a member to the current row.
    #[inline]
    pub fn add(&mut self, member: usize) -> Result<(), Odd> {
        self.current.push(u32::try_from(member).map_err(|_| Odd)?);
        Ok(())
    }

    #[inline]
    pub fn end_row(&mut self) {
        let last = self.of_rows.last().copied();
        let shape = match last.filter(|shape| self.is_current(*shape)) {
            Some(shape) => shape,
            None => self.find_or_add(),
        };
        self.of_rows.push(shape);
    }

    /// Ends a row that was read by the slow reader.
    pub fn end_odd_row(&mut self) {
        self.of_rows.push(NO_SHAPE);
    }

    /// Returns whether the current row has this shape.
    fn is_current(&self, shape: u32) -> bool {
        let shape = self.known.get(shape as usize);
        shape.is_some_and(|shape| **shape == *self.current)
    }

    fn find_or_add(&mut self) -> u32 {
        let digest = self.current.iter().fold(0, |digest: u64, member| {
            (digest ^ u64::from(*member))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        });
        let known = self.by_digest.get(&digest).copied();
        if let Some(shape) = known.filter(|shape| self.is_current(*shape)) {
            return shape;
        }
        let shape = u32::try_from(self.known.len()).unwrap_or(NO_SHAPE);
        self.known.push(self.current.as_slice().into());
        self.by_digest.insert(digest, shape);
        shape
    }

    /// Returns the shapes, and the shape of each row.
    pub fn finish(mut self) -> (Vec<Box<[u32]>>, Vec<u32>) {
        fit(&mut self.of_rows);
        (self.known, self.of_rows)
    }
}
