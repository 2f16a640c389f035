//! The delimiter of a text file, guessed from its first lines.

/// The delimiters that a file may have.
pub(super) const DELIMITERS: [u8; 4] = *b",;\t|";

/// A delimiter that does not occur in text, for a file with a single column.
const NONE: u8 = 0x1f;

/// The number of lines used to distinguish a table below a title from a single column.
const LINES: usize = 20;

/// Returns the delimiter of the header line.
pub(super) fn delimiter(text: &str, ending: &str) -> u8 {
    let lines = counts(text);
    let Some(first) = lines.first() else {
        return b',';
    };
    let most = |line: &[usize; 4]| {
        let tab_first = ending == "tsv" && line[2] > 0;
        let most = if tab_first {
            2
        } else {
            (0..4).rev().max_by_key(|index| line[*index]).unwrap_or(0)
        };
        (line[most] > 0).then_some(most)
    };
    if let Some(index) = most(first) {
        return DELIMITERS[index];
    }
    // The first line is a title if a table follows. Otherwise, the file has a single column, whose cells may
    // contain delimiters.
    let header = lines.iter().position(|line| most(line).is_some());
    let Some((header, index)) = header.and_then(|at| Some((at, most(&lines[at])?))) else {
        return NONE;
    };
    if lines[header..]
        .iter()
        .all(|line| line[index] == lines[header][index])
    {
        return DELIMITERS[index];
    }
    NONE
}

/// Counts each delimiter in each of the first lines, outside quotation marks. Blank lines are skipped.
fn counts(text: &str) -> Vec<[usize; 4]> {
    let mut lines = Vec::new();
    let mut line = [0; 4];
    let (mut quoted, mut blank) = (false, true);
    for byte in text.bytes() {
        if matches!(byte, b'\n' | b'\r') && !quoted {
            if !blank {
                lines.push(line);
                if lines.len() == LINES {
                    return lines;
                }
            }
            (line, blank) = ([0; 4], true);
            continue;
        }
        blank &= byte.is_ascii_whitespace();
        if byte == b'"' {
            quoted = !quoted;
        } else if let Some(index) = DELIMITERS.iter().position(|delimiter| *delimiter == byte)
            && !quoted
        {
            line[index] += 1;
            blank = false;
        }
    }
    if !blank {
        lines.push(line);
    }
    lines
}
