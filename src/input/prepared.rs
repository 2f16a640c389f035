//! Replaces the texts of some columns and fills their blank cells, before anything else reads the rows.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::headings::Headings;
use super::sheet::ROW_OF_RUN;
use super::{Cell, Column, Label, More, Owned, Sink, Source, SourceError};
use crate::model::text::{composed, joined, listed, same_key};

/// Replacements of one column: the text of a cell, and the new value. `None` makes the cell blank.
pub type Replacements = Vec<(String, Option<Replacement>)>;

/// The value that replaces a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Replacement {
    Bool(bool),
    Int(i64),
    Text(String),
    /// A number with a decimal point, whatever the separators of the texts are.
    Digits {
        digits: String,
    },
}

impl Replacement {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Bool(value) => Cell::Bool(*value),
            Self::Int(number) => Cell::Int(*number),
            Self::Text(text) => Cell::Text(text),
            Self::Digits { digits } => Cell::Digits(digits),
        }
    }
}

/// Returns whether a column of the rows (the first argument) is meant by a name that the user gave (the second).
pub type Called = Box<dyn Fn(&str, &str) -> bool + Send>;

/// Returns whether a cell of a column may contain several values.
pub type HasItems = Box<dyn Fn(&str) -> bool + Send>;

/// What to do with the cells of each column.
pub struct Preparation {
    values: Vec<(String, Texts)>,
    fill_down: Vec<String>,
    /// The fields that a new asset requires, beginning with its name.
    required: Vec<&'static str>,
    called: Called,
    has_items: HasItems,
}

impl Preparation {
    #[must_use]
    pub fn new(
        values: &[(String, Replacements)],
        fill_down: &[String],
        required: Vec<&'static str>,
        called: Called,
        has_items: HasItems,
    ) -> Self {
        Self {
            required,
            values: values
                .iter()
                .map(|(column, replacements)| (column.clone(), Texts::of(replacements)))
                .collect(),
            fill_down: fill_down.to_vec(),
            called,
            has_items,
        }
    }

    fn treatment(&self, column: &str) -> Treatment {
        let values = self
            .values
            .iter()
            .position(|(name, _)| (self.called)(column, name));
        let fills = self.fill_down.iter().any(|name| (self.called)(column, name));
        let required = self.required.iter().position(|name| (self.called)(column, name));
        Treatment {
            name: column.to_owned(),
            has_items: values.is_some() && (self.has_items)(column),
            values,
            fill: fills.then(Fill::default),
            required: required.map_or(0, |place| 1 << place),
        }
    }
}

/// The replacements of a column.
struct Texts {
    /// The new values. `None` makes the cell blank.
    new: Vec<Option<Replacement>>,
    /// The index in `new` by old text.
    exact: HashMap<String, usize>,
    /// The same by old text in lower case. `None` if texts that differ only in case have different replacements.
    folded: HashMap<String, Option<usize>>,
    /// The new texts in lower case.
    targets: HashSet<String>,
}

impl Texts {
    fn of(replacements: &Replacements) -> Self {
        let new: Vec<Option<Replacement>> = replacements.iter().map(|(_, to)| to.clone()).collect();
        let (mut exact, mut folded) = (HashMap::new(), HashMap::new());
        for (place, (from, to)) in replacements.iter().enumerate() {
            exact.insert(composed(from.trim()).into_owned(), place);
            folded
                .entry(same_key(from))
                .and_modify(|known: &mut Option<usize>| *known = known.filter(|other| new[*other] == *to))
                .or_insert(Some(place));
        }
        let targets = new.iter().flatten().map(|to| match to {
            Replacement::Bool(value) => value.to_string(),
            Replacement::Int(number) => number.to_string(),
            Replacement::Text(text) | Replacement::Digits { digits: text } => same_key(text),
        });
        Self {
            targets: targets.collect(),
            new,
            exact,
            folded,
        }
    }

    fn find(&self, text: &str) -> Option<&Option<Replacement>> {
        let place = self.exact.get(&*composed(text.trim())).copied();
        let place = place.or_else(|| *self.folded.get(&same_key(text))?)?;
        self.new.get(place)
    }

    /// Returns the cell that replaces this one in rows that may have been prepared before, if any. A text that is also a
    /// new value may be the result of an earlier replacement.
    fn replaced_later(&self, cell: &Cell<'_>) -> Option<Cell<'_>> {
        let is_target = self.targets.contains(&same_key(&text_of(cell)?));
        if is_target { None } else { self.replaced(cell) }
    }

    /// Returns the cell that replaces this one, if any of its values is replaced. `later` is whether the cell may have been
    /// prepared before. The values in a text are separated as in a multi-select attribute.
    fn replaced_items(&self, cell: &Cell<'_>, later: bool) -> Option<Owned> {
        let replaced = |item: &Cell<'_>| {
            if later {
                self.replaced_later(item)
            } else {
                self.replaced(item)
            }
        };
        let text = match cell {
            Cell::Text(text) => text.trim(),
            Cell::List(items) => {
                let new: Vec<Option<Cell<'_>>> = items.iter().map(replaced).collect();
                let is_changed = new.iter().any(Option::is_some);
                let kept = items
                    .iter()
                    .zip(&new)
                    .map(|(item, new)| new.as_ref().unwrap_or(item));
                if !is_changed {
                    return None;
                }
                let kept: Vec<Owned> = kept.filter(|item| !is_blank(item)).map(Owned::of).collect();
                return Some(if kept.is_empty() {
                    Owned::Plain(Cell::Null)
                } else {
                    Owned::List(kept)
                });
            }
            _ => return None,
        };
        let (signs, mut separator): (&[char], _) = if text.contains([';', '\n']) {
            (&[';', '\n'], Some("; "))
        } else {
            (&[','], Some(", "))
        };
        let items = listed(text).inspect(|_| separator = None);
        let items = items.unwrap_or_else(|| text.split(signs).map(|item| item.trim().to_owned()).collect());
        let (mut new, mut is_changed) = (Vec::new(), false);
        for item in items {
            let Some(cell) = replaced(&Cell::Text(&item)) else {
                new.push(item);
                continue;
            };
            is_changed = true;
            let text = text_of(&cell).unwrap_or_default();
            if text.contains([';', ',', '\n']) {
                separator = None;
            }
            new.extend((!text.is_empty()).then(|| text.into_owned()));
        }
        if !is_changed {
            return None;
        }
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        let text = separator.map_or_else(|| joined(&new), |separator| new.join(separator));
        Some(if text.is_empty() {
            Owned::Plain(Cell::Null)
        } else {
            Owned::Text(text.into())
        })
    }

    /// Returns the cell that replaces this one, if any. Whole numbers and booleans count as their text.
    fn replaced(&self, cell: &Cell<'_>) -> Option<Cell<'_>> {
        let found = self.find(&text_of(cell)?)?;
        Some(found.as_ref().map_or(Cell::Null, Replacement::cell))
    }
}

/// Returns the text of a cell that may be replaced.
fn text_of<'c>(cell: &'c Cell<'_>) -> Option<Cow<'c, str>> {
    Some(match cell {
        Cell::Text(text) | Cell::Shown { text, .. } | Cell::Digits(text) => Cow::Borrowed(*text),
        Cell::Int(number) => number.to_string().into(),
        Cell::Float(number) if number.fract() == 0.0 => number.to_string().into(),
        Cell::Float32(number) if number.fract() == 0.0 => number.to_string().into(),
        Cell::Bool(value) => value.to_string().into(),
        _ => return None,
    })
}

struct Treatment {
    /// The name of the column.
    name: String,
    /// The index in `Preparation::values`.
    values: Option<usize>,
    /// Whether the values of a cell are replaced one by one.
    has_items: bool,
    fill: Option<Fill>,
    /// The bit of the required field that the column sets, or 0.
    required: u32,
}

/// What the current row has, before its blank cells are filled.
#[derive(Default)]
struct Found {
    /// The required fields with a value, and those with a title of totals.
    given: u32,
    titles: u32,
    has_title: bool,
    /// Whether a column other than that of the name has a value.
    has_more: bool,
    headings: Headings,
}

/// The bit of the first required field, the name.
const NAME: u32 = 1;

/// The filling of one column.
#[derive(Default)]
struct Fill {
    /// Whether the rows of the index between the last value and the current row are missing.
    is_torn: bool,
    /// The value of the last row that has one.
    above: Option<Owned>,
    /// What the current row has.
    current: Current,
}

#[derive(Default)]
enum Current {
    #[default]
    Absent,
    Blank,
    /// A value. `value` is `None` if it is the same as `above`.
    Given {
        value: Option<Owned>,
        is_title: bool,
    },
}

/// A source of prepared rows.
pub struct Prepared<S> {
    source: S,
    preparation: Option<Preparation>,
    columns: Vec<Option<Treatment>>,
    /// Whether the rows come from `write_fixes`, so they were prepared before, but may have been edited since.
    are_ready: bool,
    index: Option<Index>,
}

/// The index of a table, if its labels are whole numbers. It shows which rows were left out of the table.
#[derive(Default)]
struct Index {
    /// The number of rows so far.
    rows: usize,
    /// The label of the current row.
    label: i64,
    /// The label of the next row, if no row is left out.
    next: i64,
    /// Why a cell cannot be filled.
    refused: Option<String>,
}

impl Index {
    /// Reads the label of the next row. Returns whether the row above it is missing.
    fn begin(&mut self, label: i64) -> bool {
        self.rows += 1;
        self.label = label;
        let is_torn = label != self.next;
        self.next = label.saturating_add(1);
        is_torn
    }

    /// Refuses to fill a cell of the current row, whose row above is missing.
    fn refuse(&mut self, column: &str) {
        let (row, label) = (self.rows.saturating_sub(1), self.label);
        self.refused.get_or_insert_with(|| {
            format!(
                "fill_down: `{column}` is blank in row {row} (index {label}), but the row above it in the index is missing, so \
                 its value is not known. Fill the column before you select rows, with frame[\"{column}\"] = \
                 frame[\"{column}\"].ffill(), or pass all rows. To change assets that differ, pass the result: \
                 project.assets.patch(result). If the index does not number the rows, pass frame.reset_index(drop=True)"
            )
        });
    }
}

impl<S> Prepared<S> {
    /// Prepares the rows of a source. If `preparation` is `None`, the rows are passed on unchanged.
    pub fn new(source: S, preparation: Option<Preparation>) -> Self {
        Self {
            source,
            preparation,
            columns: Vec::new(),
            are_ready: false,
            index: None,
        }
    }

    /// Refuses to fill a cell if the row above it was left out of the table, which the index of the rows shows.
    #[must_use]
    pub fn with_index(self, has_index: bool) -> Self {
        Self {
            index: has_index.then(Index::default),
            ..self
        }
    }

    /// Returns the source of the rows before they are prepared.
    pub fn inner(&self) -> &S {
        &self.source
    }
}

impl<S: Source> Source for Prepared<S> {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        let Some(preparation) = &self.preparation else {
            return self.source.fill(sink);
        };
        let filled = self.source.fill(&mut Preparing {
            preparation,
            columns: &mut self.columns,
            are_ready: &mut self.are_ready,
            index: &mut self.index,
            sink,
            is_wanted: false,
            found: Found::default(),
        });
        match self.index.as_mut().and_then(|index| index.refused.take()) {
            Some(message) => Err(SourceError::new(message)),
            None => filled,
        }
    }

    fn rows(&self) -> Option<usize> {
        self.source.rows()
    }
}

/// Passes prepared rows to a sink. A source ends a row before `fill` returns, so this needs no state between calls.
struct Preparing<'a> {
    preparation: &'a Preparation,
    /// By column.
    columns: &'a mut Vec<Option<Treatment>>,
    are_ready: &'a mut bool,
    index: &'a mut Option<Index>,
    sink: &'a mut dyn Sink,
    /// Whether the sink takes the current row.
    is_wanted: bool,
    found: Found,
}

impl Preparing<'_> {
    /// Notes whether the row above the current one is missing.
    fn read_index(&mut self, label: Label<'_>) {
        let Label::Int(label) = label else {
            // Dates and texts do not show whether a row is missing.
            *self.index = None;
            return;
        };
        if self.index.as_mut().is_some_and(|index| index.begin(label)) {
            let fills = self
                .columns
                .iter_mut()
                .flatten()
                .filter_map(|treatment| treatment.fill.as_mut());
            fills.for_each(|fill| fill.is_torn = true);
        }
    }

    /// Returns whether the current row is one of totals.
    fn is_total(&self) -> bool {
        let required = (1 << self.preparation.required.len()) - 1;
        let Found { given, titles, .. } = self.found;
        self.found.has_title && is_total_row(given, titles, required)
    }

    /// Returns whether the current row has only a name, such as "Checked by Jo", in a table with more columns than those
    /// that make an asset. With the values of the row above, it would be an asset.
    fn is_only_a_name(&self) -> bool {
        let columns = || self.columns.iter().flatten();
        let filled = columns().filter(|treatment| treatment.fill.is_some() && treatment.required != 0);
        self.found.given == NAME
            && !self.found.has_more
            && filled.count() > 1
            && columns().any(|treatment| treatment.fill.is_none() && treatment.required == 0)
    }
}

impl Sink for Preparing<'_> {
    fn column(&mut self, name: &str) -> Column {
        let column = self.sink.column(name);
        *self.are_ready |= name == ROW_OF_RUN;
        let place = column.0 as usize;
        if self.columns.len() <= place {
            self.columns.resize_with(place + 1, || None);
        }
        self.columns[place].get_or_insert_with(|| self.preparation.treatment(name));
        column
    }

    fn begin(&mut self, label: Label<'_>) -> bool {
        self.is_wanted = self.sink.begin(label);
        self.found = Found::default();
        self.read_index(label);
        // The cells of a row that is not needed may still fill the rows below it.
        self.is_wanted || !self.preparation.fill_down.is_empty()
    }

    fn cell(&mut self, column: Column, value: &Cell<'_>) {
        let mut treatment = self.columns.get_mut(column.0 as usize).and_then(Option::as_mut);
        let texts = treatment
            .as_ref()
            .and_then(|treatment| treatment.values)
            .map(|place| &self.preparation.values[place].1);
        let has_items = treatment.as_ref().is_some_and(|treatment| treatment.has_items);
        let of_items = texts.filter(|_| has_items);
        if *self.are_ready {
            // The rest was done before, but a text may have been typed since.
            let replaced = texts.and_then(|texts| texts.replaced_later(value));
            let items = of_items.filter(|_| replaced.is_none());
            let items = items.and_then(|texts| texts.replaced_items(value, true));
            let items = items.as_ref().map(Owned::cell);
            return if self.is_wanted {
                self.sink
                    .cell(column, replaced.as_ref().or(items.as_ref()).unwrap_or(value));
            };
        }
        if let Some(treatment) = treatment.as_ref().filter(|_| !is_blank(value)) {
            self.found.headings.note(value, &treatment.name);
        }
        let replaced = texts.and_then(|texts| texts.replaced(value));
        let items = of_items.filter(|_| replaced.is_none());
        let items = items.and_then(|texts| texts.replaced_items(value, false));
        let items = items.as_ref().map(Owned::cell);
        let value = replaced.as_ref().or(items.as_ref()).unwrap_or(value);
        let field = treatment.as_ref().map_or(0, |treatment| treatment.required);
        let is_title = matches!(value, Cell::Text(text) if is_total(text));
        if !is_blank(value) {
            self.found.given |= field;
            self.found.has_more |= field != NAME;
        }
        if is_title {
            self.found.titles |= field;
            self.found.has_title = true;
        }
        if let Some(fill) = treatment.as_mut().and_then(|treatment| treatment.fill.as_mut()) {
            if is_blank(value) {
                // Whether the cell is filled depends on the rest of the row.
                if matches!(fill.current, Current::Absent) {
                    fill.current = Current::Blank;
                }
                return;
            }
            let is_same = fill.above.as_ref().is_some_and(|above| above.cell() == *value);
            fill.current = Current::Given {
                value: (!is_same).then(|| Owned::of(value)),
                is_title,
            };
        }
        if self.is_wanted {
            self.sink.cell(column, value);
        }
    }

    fn broken(&mut self, label: Label<'_>, found: &str) {
        self.sink.broken(label, found);
    }

    fn end(&mut self) {
        let is_total = self.is_total();
        let is_heading = self.found.headings.are_repeated();
        let fills = !is_total && !is_heading && !self.is_only_a_name();
        for (place, treatment) in (0_u32..).zip(self.columns.iter_mut()) {
            let Some(Treatment {
                name,
                fill: Some(fill),
                ..
            }) = treatment
            else {
                continue;
            };
            if *self.are_ready {
                break;
            }
            let above = fill.above.as_ref().filter(|_| fills);
            match std::mem::take(&mut fill.current) {
                // "Total" is no category of the rows below.
                Current::Given { is_title: true, .. } if is_total => {}
                Current::Given { .. } if is_heading => {}
                Current::Given { value, .. } => {
                    fill.is_torn = false;
                    if value.is_some() {
                        fill.above = value;
                    }
                }
                Current::Absent | Current::Blank if !self.is_wanted => {}
                current => {
                    if let (true, true, Some(index)) = (fill.is_torn, fills, self.index.as_mut()) {
                        index.refuse(name);
                    }
                    match (above, current) {
                        (Some(above), _) => {
                            self.sink.filled(Column(place));
                            self.sink.cell(Column(place), &above.cell());
                        }
                        (None, Current::Blank) => self.sink.cell(Column(place), &Cell::Null),
                        (None, _) => {}
                    }
                }
            }
        }
        if self.is_wanted {
            self.sink.end();
        }
    }

    fn full(&self) -> bool {
        self.sink.full()
    }
}

fn is_blank(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Null => true,
        Cell::Text(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// Returns whether a row with a title of totals is a row of totals: it has no other required field, and not all of them.
/// Each argument has one bit per field: those with a value, those with a title, and the required ones.
#[must_use]
pub fn is_total_row(given: u32, titles: u32, required: u32) -> bool {
    given & required & !titles == 0 && given & required != required
}

/// Returns whether a text is the title of a row of totals, such as "Total:", "Summe" or "Total count: 2".
#[must_use]
pub fn is_total(text: &str) -> bool {
    // In English, German, French, Spanish, Italian, Portuguese, Dutch and Polish. A title is always short.
    const LONGEST: usize = 64;
    /// The maximum number of words of `TITLES`.
    const WORDS: usize = 3;
    const TITLES: [&str; 20] = [
        "total",
        "totals",
        "subtotal",
        "grandtotal",
        "sum",
        "summe",
        "gesamt",
        "gesamtsumme",
        "gesamtanzahl",
        "zwischensumme",
        "teilsumme",
        "endsumme",
        "übertrag",
        "totalgénéral",
        "soustotal",
        "somme",
        "totale",
        "totaal",
        "suma",
        "razem",
    ];
    /// These words may begin the name of an asset, so only a sign or number may follow them.
    const WHOLE: [&str; 8] = [
        "ergebnis",
        "anzahl",
        "mittelwert",
        "durchschnitt",
        "average",
        "count",
        "σ",
        "∑",
    ];
    let text = text.trim();
    if text.len() > LONGEST {
        return false;
    }
    // This runs for every text, so most are rejected by their first letter, then by the letters after it.
    let letters = || {
        let letters = text
            .chars()
            .filter(|letter| letter.is_alphabetic() || *letter == '∑');
        letters.flat_map(char::to_lowercase)
    };
    let Some(first) = letters().next() else {
        return false;
    };
    let begins_with = |title: &&str| {
        title.starts_with(first) && letters().zip(title.chars()).all(|(one, other)| one == other)
    };
    if !TITLES.iter().chain(&WHOLE).any(begins_with) {
        return false;
    }
    let mut letters = String::new();
    for (place, word) in text.split([' ', '\u{a0}', ':']).enumerate() {
        letters.extend(
            word.chars()
                .filter(|character| character.is_alphabetic())
                .flat_map(char::to_lowercase),
        );
        if place < WORDS && TITLES.contains(&letters.as_str()) {
            return true;
        }
    }
    let is_whole = || {
        let rest = text.trim_start_matches(|character: char| character.is_alphabetic() || character == '∑');
        let word = text[..text.len() - rest.len()].to_lowercase();
        let is_number = !rest.starts_with(['-', '_', '/']) && !rest.contains(char::is_alphabetic);
        WHOLE.contains(&word.as_str()) && (rest.starts_with(':') || is_number)
    };
    // Letters may be spread, as in "S u m m e". In German, a compound may be a title, as in "Gesamtluftmenge:".
    TITLES.contains(&letters.as_str()) || is_whole() || (letters.starts_with("gesamt") && text.ends_with(':'))
}

#[cfg(test)]
mod tests {
    use super::is_total;

    #[test]
    fn totals_have_a_title() {
        for text in [
            "Summe",
            "SUMME:",
            " Total ",
            "Grand Total",
            "Gesamt (2000)",
            "Zwischensumme",
            "Sous-total",
            "Summe der Flächen",
            "Total count: 2",
            "Grand total airflow",
            "Gesamtluftmenge:",
            "S u m m e",
            "Teilsumme 2",
            "Übertrag von Seite 1",
            "übertrag",
            "Σ",
            "∑ 12",
            "Σ: Luftmenge",
            "Ergebnis:",
            "Anzahl: 25",
            "COUNT 25",
            "Average (3)",
            "Mittelwert",
            "Durchschnitt",
        ] {
            assert!(is_total(text), "{text}");
        }
        for text in [
            "",
            "AHU-1",
            "Totalisator 3",
            "Sump pump",
            "Gesamtanlage",
            "2000",
            "Countess 1",
            "Σ-1",
            "Σωλήνας 1",
            "Count A",
            "Average flow sensor",
            "Anzahlgeber",
            "Ergebnis Raum 1",
            "COUNT-1",
            "Übergabe",
        ] {
            assert!(!is_total(text), "{text}");
        }
    }
}
