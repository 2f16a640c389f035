//! Learns how many rows per request an endpoint accepts, if fewer than documented.

/// The sizes to try after a request was rejected for its number of rows.
const SIZES: [usize; 6] = [50, 25, 20, 10, 5, 1];

/// The learned limit of an endpoint.
#[derive(Debug, Clone)]
pub struct RowLimit {
    /// The current limit on rows per request.
    most: usize,
    /// The number of rows in the smallest request that was rejected for its number of rows.
    too_many: usize,
    /// The number of rows in the smallest request that may have been rejected for its number of rows.
    doubted: usize,
    /// The number of rows in the largest executed request that no later rejection contradicts.
    fits: usize,
    /// Whether a request of one row was rejected for its size. If `true`, rejections for size do not concern
    /// the number of rows.
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
    /// Returns the maximum number of rows per request.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// Returns whether rejections for size are known not to concern the number of rows.
    #[must_use]
    pub fn misled(&self) -> bool {
        self.misled
    }

    /// Returns whether a request of this size may be rejected for its size. A request that may be rejected is
    /// sent while no other request is in flight.
    #[must_use]
    pub fn is_trial(&self, rows: usize) -> bool {
        rows > self.fits && self.too_many.min(self.doubted) < usize::MAX
    }

    /// Records that a request of this size was executed.
    pub fn executed(&mut self, rows: usize) {
        self.fits = self.fits.max(rows);
        if rows >= self.doubted {
            self.doubted = usize::MAX;
        }
        if rows >= self.too_many {
            self.forget();
        }
    }

    /// Records that a request of this size was rejected, perhaps for its size.
    pub fn doubt(&mut self, rows: usize) {
        self.doubted = self.doubted.min(rows);
        self.fits = self.fits.min(rows.saturating_sub(1)).max(1);
    }

    /// Records that a request of this size was rejected for its size.
    pub fn refused(&mut self, rows: usize) {
        self.doubt(rows);
        self.too_many = self.too_many.min(rows);
        let next = SIZES.into_iter().find(|size| *size < rows).unwrap_or(1);
        self.most = self.most.min(next);
    }

    /// Records that all parts of a rejected request of this size were executed unchanged.
    pub fn parts_executed(&mut self, rows: usize) {
        // If a request of the same size was executed in the meantime, the rejection had another reason.
        if self.fits < rows {
            self.refused(rows);
        }
    }

    /// Records that a request of one row was rejected for its size, so such rejections do not concern the number of
    /// rows.
    pub fn mislead(&mut self) {
        self.misled = true;
        self.forget();
    }

    /// Discards the learned limit, which was wrong.
    pub fn forget(&mut self) {
        self.most = usize::MAX;
        self.too_many = usize::MAX;
    }
}
