//! Estimates the memory that the library needs for a zipped workbook, before the library allocates any.

use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read};

use quick_xml::events::{BytesStart, Event};

use super::opendocument;

/// An estimate of the memory that the library would allocate for a file.
#[derive(Default)]
pub(super) struct Unpacked {
    pub bytes: u64,
    pub strings: StringCounts,
}

#[derive(Default)]
pub(super) struct StringCounts {
    /// The number of shared strings that the file declares.
    pub claimed: u64,
    pub counted: u64,
}

impl StringCounts {
    fn max(&self, other: &Self) -> Self {
        Self {
            claimed: self.claimed.max(other.claimed),
            counted: self.counted.max(other.counted),
        }
    }
}

impl Unpacked {
    /// Unpacks all parts without keeping them, up to `most` bytes. The sizes declared in the file may be
    /// wrong.
    pub(super) fn of(bytes: &[u8], most: u64) -> Self {
        let mut found = Self::default();
        // The library reports parts that cannot be unpacked.
        let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
            return found;
        };
        let mut chunk = vec![0; 64 << 10];
        for index in 0..archive.len() {
            let Ok(mut part) = archive.by_index(index) else {
                continue;
            };
            let name = part.name().unwrap_or_default().to_ascii_lowercase();
            // Read one byte more than the limit, to detect a part that is too large.
            let left = (most - found.bytes).saturating_add(1);
            let mut xml = (&mut part).take(left);
            if name == "content.xml" {
                let cells = opendocument::bytes_of_cells(BufReader::new(&mut xml), left - 1);
                if xml.limit() == 0 {
                    found.bytes = most.saturating_add(1);
                    return found;
                }
                found.bytes = found.bytes.saturating_add(cells);
            } else if name.ends_with("sharedstrings.xml") {
                let counts = shared_strings(BufReader::new(&mut xml));
                found.bytes = found.bytes.saturating_add(left - xml.limit());
                found.strings = found.strings.max(&counts);
            }
            if found.bytes > most {
                return found;
            }
            loop {
                let read = match part.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => break,
                };
                found.bytes += read as u64;
                if found.bytes > most {
                    return found;
                }
            }
        }
        found
    }
}

/// Counts shared strings (`CT_Sst` in ECMA-376, part 1, 18.4.9) as the library reads them.
fn shared_strings(part: impl BufRead) -> StringCounts {
    let mut reader = quick_xml::Reader::from_reader(part);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut found = StringCounts::default();
    let mut table = false;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => match start.local_name().as_ref() {
                // The library reads only the first `sst` element.
                "sst" if !table => {
                    table = true;
                    found.claimed = unique_count(&start);
                }
                "si" => found.counted += 1,
                _ => {}
            },
            // The library reports the error in the part.
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

fn unique_count(table: &BytesStart<'_>) -> u64 {
    match table.try_get_attribute("uniqueCount") {
        Ok(None) => 0,
        // The library ignores a value that is not a number.
        Ok(Some(given)) => given
            .value
            .trim_ascii()
            .trim_start_matches('+')
            .parse()
            .unwrap_or(0),
        // The library may still read an element with malformed attributes.
        Err(_) => u64::MAX,
    }
}
