//! The records in a stream of a workbook.

/// The number of bytes per part of a continued record. The list of parts may be half empty.
const PART: u64 = 32;

/// The type of a record that continues the one before it.
const CONTINUE: u16 = 0x003C;

/// A record and its continuations.
pub(super) struct Record<'a> {
    pub kind: u16,
    /// The position of the record's data in the stream.
    pub at: usize,
    pub data: &'a [u8],
    more: &'a [u8],
}

impl Record<'_> {
    pub(super) fn number(&self, at: usize) -> Option<u16> {
        let bytes = self.data.get(at..)?.first_chunk()?;
        Some(u16::from_le_bytes(*bytes))
    }

    pub(super) fn long(&self, at: usize) -> Option<u32> {
        let bytes = self.data.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }

    pub(super) fn next_part(&mut self) -> bool {
        let Some((_, data, rest)) = split(self.more) else {
            return false;
        };
        (self.data, self.more) = (data, rest);
        true
    }

    /// Returns the bytes that the library needs for the list of continuations.
    pub(super) fn bytes_of_parts(&self) -> u64 {
        let mut more = self.more;
        let mut parts = 0;
        while let Some((_, _, rest)) = split(more) {
            (more, parts) = (rest, parts + 1);
        }
        PART * parts
    }
}

/// Splits off the type and the data of the first record.
fn split(stream: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let ([a, b, c, d], rest) = stream.split_first_chunk()?;
    let (data, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([*c, *d])))?;
    Some((u16::from_le_bytes([*a, *b]), data, rest))
}

/// Iterates over the records in a stream. Ends at a truncated record, which the library reports.
pub(super) struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) fn of(stream: &'a [u8], at: usize) -> Self {
        Self { stream, at }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (kind, data, following) = split(&self.stream[self.at..])?;
        let mut rest = following;
        // The library treats an empty continuation at the end as a separate record.
        while rest.len() > 4
            && let Some((CONTINUE, _, after)) = split(rest)
        {
            rest = after;
        }
        let more = &following[..following.len() - rest.len()];
        let at = self.at + 4;
        self.at = self.stream.len() - rest.len();
        Some(Record { kind, at, data, more })
    }
}
