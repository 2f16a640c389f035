//! Decodes the text of a file.

use std::fmt::{self, Display, Formatter};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::super::encoding;
use super::stored::Stored;
use crate::input::source::SourceError;

/// Bytes per read.
const CHUNK: usize = 64 << 10;

/// The maximum number of bytes to search for the lines that show the delimiter.
const BEGINNING: usize = 1 << 20;

/// The path of a file, or the name of a file in memory.
#[derive(Debug, Clone)]
pub(super) struct Name(Arc<Path>);

impl Display for Name {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.0.display())
    }
}

impl Name {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.into())
    }

    pub(super) fn error(&self, message: String) -> SourceError {
        SourceError::of_file(&self.0, None, message)
    }

    pub(super) fn unreadable(&self, error: &io::Error) -> SourceError {
        SourceError::of_file(&self.0, Some(error), format!("cannot read {self}: {error}"))
    }
}

/// Decodes the text of a file, without its byte order mark.
pub(super) struct Text {
    source: Box<dyn Read + Send>,
    file: Name,
    decoder: Decoder,
    /// A buffer for the bytes read last.
    raw: Vec<u8>,
    decoded: String,
    /// The number of bytes of `decoded` that were consumed.
    at: usize,
    /// The number of line feeds decoded before `decoded`.
    lines: usize,
    ended: bool,
}

impl Text {
    /// Starts reading at the beginning of the file.
    pub(super) fn of(stored: &Stored, file: &Name, encoding: &'static Encoding) -> Result<Self, SourceError> {
        let source = stored.source().map_err(|error| file.unreadable(&error))?;
        Ok(Self {
            source,
            file: file.clone(),
            decoder: encoding.new_decoder(),
            raw: vec![0; CHUNK],
            decoded: String::new(),
            at: 0,
            lines: 0,
            ended: false,
        })
    }

    /// Consumes some text, and returns it.
    #[inline]
    pub(super) fn take(&mut self, bytes: usize) -> &[u8] {
        let start = self.at;
        self.at += bytes;
        &self.decoded.as_bytes()[start..self.at]
    }

    /// Skips the declaration of the delimiter in the first line, such as `sep=;`.
    pub(super) fn skip_declaration(&mut self) -> Result<(), SourceError> {
        self.fill()?;
        self.at = self.decoded.len().min(5);
        Ok(())
    }

    /// Returns the text not yet consumed. The text is empty at the end of the file.
    #[inline]
    pub(super) fn fill(&mut self) -> Result<&[u8], SourceError> {
        while self.at == self.decoded.len() && !self.ended {
            self.read()?;
        }
        Ok(&self.decoded.as_bytes()[self.at..])
    }

    /// Returns the first lines of the text.
    pub(super) fn beginning(&mut self) -> Result<String, SourceError> {
        let mut beginning = String::new();
        while !self.fill()?.is_empty() {
            beginning.push_str(&self.decoded[self.at..]);
            self.at = self.decoded.len();
            if beginning.len() >= BEGINNING {
                // Keep only complete lines.
                let end = beginning.rfind(['\n', '\r']).unwrap_or(beginning.len());
                beginning.truncate(end);
                break;
            }
        }
        Ok(beginning)
    }

    /// Reads and decodes some bytes.
    fn read(&mut self) -> Result<(), SourceError> {
        let read = loop {
            match self.source.read(&mut self.raw) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let read = read.map_err(|error| self.file.unreadable(&error))?;
        self.ended = read == 0;
        self.lines += memchr::memchr_iter(b'\n', self.decoded.as_bytes()).count();
        self.at = 0;
        self.decoded.clear();
        let most = self.decoder.max_utf8_buffer_length_without_replacement(read);
        // The length is unknown only if it exceeds the address space.
        self.decoded.reserve(most.unwrap_or_default());
        let raw = &self.raw[..read];
        let (result, _) =
            self.decoder
                .decode_to_string_without_replacement(raw, &mut self.decoded, self.ended);
        let unused = encoding::first_unused(self.decoder.encoding(), raw);
        // Text has no zero bytes, but other files do.
        if result == DecoderResult::InputEmpty && !self.decoded.as_bytes().contains(&0) && unused.is_none() {
            return Ok(());
        }
        let decoded = unused.map_or(self.decoded.as_bytes(), |end| &raw[..end]);
        let before = memchr::memchr_iter(b'\n', decoded).count();
        Err(self.file.error(format!(
            "{} is not in {} (line {}): set encoding= to the encoding of the file, or save it in Excel as \
                \"CSV UTF-8 (comma delimited)\" or as .xlsx",
            self.file,
            self.decoder.encoding().name(),
            self.lines + before + 1,
        )))
    }
}
