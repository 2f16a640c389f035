//! The strings of an Arrow array.

use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;

/// Concatenated strings.
pub(super) struct Strings {
    pub text: Vec<u8>,
    pub ends: Vec<i32>,
}

impl Strings {
    pub fn new(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self {
            text: Vec::new(),
            ends,
        }
    }

    #[inline]
    pub fn push(&mut self, text: &str) -> Result<(), ArrowError> {
        self.text.extend_from_slice(text.as_bytes());
        self.ends
            .push(i32::try_from(self.text.len()).map_err(|_| too_large())?);
        Ok(())
    }

    /// Adds consecutive strings. `start` and `ends` are offsets in the text from which the strings come.
    pub fn extend(&mut self, text: &str, start: u32, ends: &[u32]) -> Result<(), ArrowError> {
        let shift = i32::try_from(self.text.len()).map_err(|_| too_large())?;
        self.text.extend_from_slice(text.as_bytes());
        i32::try_from(self.text.len()).map_err(|_| too_large())?;
        // All of these offsets are between the two lengths above.
        self.ends
            .extend(ends.iter().map(|end| shift + (end - start).cast_signed()));
        Ok(())
    }

    /// Adds rows without a value.
    pub fn none(&mut self, rows: usize) -> Result<(), ArrowError> {
        let end = i32::try_from(self.text.len()).map_err(|_| too_large())?;
        self.ends.resize(self.ends.len() + rows, end);
        Ok(())
    }

    pub fn offsets(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(std::mem::take(&mut self.ends)))
    }
}

pub(super) fn too_large() -> ArrowError {
    ArrowError::OffsetOverflowError(i32::MAX as usize)
}
