//! The edits of compared rows that are not sent.

/// The edits of compared rows that are not sent.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    /// Blank cells whose assets have a value, those of fields that cannot be cleared, and changed values of the service.
    pub(super) blank: Edits,
    pub(super) lasting: Edits,
    pub(super) of_service: Edits,
}

#[derive(Debug, Default)]
pub(super) struct Edits {
    cells: u64,
    columns: Vec<String>,
    /// The first row.
    first: usize,
}

impl Edits {
    pub(super) fn add(&mut self, column: &str, row: usize) {
        if self.cells == 0 {
            self.first = row;
        }
        self.cells += 1;
        if self.columns.iter().all(|known| known != column) {
            self.columns.push(column.to_owned());
        }
    }

    /// Returns the number of cells, with their columns and first row.
    fn summary(&self, what: &str, named: &dyn Fn(usize) -> String) -> Option<String> {
        let (plural, first) = match self.cells {
            0 => return None,
            1 => ("", ""),
            _ => ("s", "first: "),
        };
        Some(format!(
            "{} {what}{plural} of `{}` ({first}{})",
            self.cells,
            self.columns.join("`, `"),
            named(self.first)
        ))
    }
}

impl Ignored {
    pub(super) fn warnings(&self, named: &dyn Fn(usize) -> String) -> Vec<String> {
        let blank = self.blank.summary("blank cell", named).map(|cells| {
            let were = if self.blank.cells == 1 {
                "was not compared, although its asset has a value"
            } else {
                "were not compared, although their assets have values"
            };
            format!("{cells} {were}. To clear such values, pass nulls=\"clear\"")
        });
        let lasting = self.lasting.summary("blank cell", named).map(|cells| {
            let were = if self.lasting.cells == 1 {
                "was not compared: its asset has a value, which"
            } else {
                "were not compared: their assets have values, which"
            };
            format!("{cells} {were} cannot be cleared")
        });
        let of_service = self.of_service.summary("edited value", named).map(|cells| {
            let were = if self.of_service.cells == 1 { "was" } else { "were" };
            format!("{cells} {were} not sent, because only the service sets these columns")
        });
        blank.into_iter().chain(lasting).chain(of_service).collect()
    }
}
