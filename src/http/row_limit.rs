//! How many rows of a request an endpoint takes, where that is fewer than its page says.

/// The sizes that are tried in turn after a request was refused for the number of its rows.
const SIZES: [usize; 6] = [50, 25, 20, 10, 5, 1];

/// What a client has learned of an endpoint.
#[derive(Debug, Clone)]
pub struct RowLimit {
    /// Rows per request from now on.
    most: usize,
    /// The smallest request that was refused for the number of its rows.
    too_many: usize,
    /// The smallest request that was refused for a reason unknown: the number of its rows may be it.
    doubted: usize,
    /// The largest request that was executed and that no later refusal calls into question.
    fits: usize,
    /// A request of one row was refused with words about size: they are not about the number of rows.
    misled: bool,
}

impl Default for RowLimit {
    fn default() -> Self {
        Self {
            most: usize::MAX,
            too_many: usize::MAX,
            doubted: usize::MAX,
            fits: 1,
            misled: false,
        }
    }
}

impl RowLimit {
    /// The most rows to put into one request.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether words about size were found to mean something else than the number of rows.
    #[must_use]
    pub fn misled(&self) -> bool {
        self.misled
    }

    /// Whether a request of so many rows may be refused for them, and so goes out with no other beside it.
    #[must_use]
    pub fn is_trial(&self, rows: usize) -> bool {
        rows > self.fits && self.too_many.min(self.doubted) < usize::MAX
    }

    /// A request of so many rows was executed.
    pub fn executed(&mut self, rows: usize) {
        self.fits = self.fits.max(rows);
        if rows >= self.doubted {
            self.doubted = usize::MAX;
        }
        if rows >= self.too_many {
            self.forget();
        }
    }

    /// A request of so many rows was refused, perhaps for their number.
    pub fn doubt(&mut self, rows: usize) {
        self.doubted = self.doubted.min(rows);
        self.fits = self.fits.min(rows.saturating_sub(1)).max(1);
    }

    /// A request of so many rows was refused for their number.
    pub fn refused(&mut self, rows: usize) {
        self.doubt(rows);
        self.too_many = self.too_many.min(rows);
        let next = SIZES.into_iter().find(|size| *size < rows).unwrap_or(1);
        self.most = self.most.min(next);
    }

    /// All parts of a refused request of so many rows were executed as they were.
    pub fn parts_executed(&mut self, rows: usize) {
        // One as large that was executed meanwhile shows that the refusal had another reason.
        if self.fits < rows {
            self.refused(rows);
        }
    }

    /// A request of one row was refused with words about size, so that they are not about the number of rows.
    pub fn mislead(&mut self) {
        self.misled = true;
        self.forget();
    }

    /// What was taken for a limit was something else.
    pub fn forget(&mut self) {
        self.most = usize::MAX;
        self.too_many = usize::MAX;
    }
}
