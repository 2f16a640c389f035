//! Where a failed read resumes: at its cursor, or with the ids that were not read.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::batch::plan::Again;
use crate::call::Place;
use crate::error::Error;
use crate::ledger::{Ledger, State, View};

/// The request of a read. A call that resumes it must make the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub service: String,
    /// Includes the project.
    pub path: String,
    pub query: Vec<(String, String)>,
    /// The request body.
    pub body: Option<String>,
}

/// The rest of a read.
#[derive(Clone, Serialize, Deserialize)]
pub struct Rest {
    asked: Asked,
    from: From,
}

#[derive(Clone, Serialize, Deserialize)]
enum From {
    Page(Place),
    Rows(Arc<Ledger>),
}

/// A cursor is opaque and does not belong in logs.
impl fmt::Debug for Rest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Rest")
    }
}

impl Rest {
    /// The rest of a list.
    #[must_use]
    pub fn of_list(asked: Asked, place: Place) -> Self {
        let from = From::Page(place);
        Self { asked, from }
    }

    /// The rest of a read by ids; `None` if all of them were read.
    #[must_use]
    pub fn of_rows(asked: Asked, ledger: &Ledger) -> Option<Self> {
        let rows = u32::try_from(ledger.rows()).unwrap_or(u32::MAX);
        let is_left = |row| STILL_TO_BE_READ.contains(&ledger.state(row));
        (!ledger.complete || (0..rows).any(is_left)).then(|| Self {
            asked,
            from: From::Rows(Arc::new(ledger.clone())),
        })
    }

    /// The page at which a list resumes.
    ///
    /// # Errors
    /// [`Error::Option`] if the call makes another request.
    pub fn page(&self, asked: &Asked) -> Result<Place, Error> {
        match &self.from {
            From::Page(place) => self.is_of(asked).map(|()| place.clone()),
            From::Rows(_) => Err(another_call()),
        }
    }

    /// The ledger of a read by ids, and the rows that are not read yet.
    ///
    /// # Errors
    /// [`Error::Option`] if the call makes another request.
    pub fn rows(&self, asked: &Asked) -> Result<(Ledger, Again), Error> {
        let From::Rows(ledger) = &self.from else {
            return Err(another_call());
        };
        self.is_of(asked)?;
        let view = View::new(ledger.clone());
        let send = view.settled_in(&STILL_TO_BE_READ);
        let mut ledger = view.reopened();
        let rows = u32::try_from(ledger.rows()).unwrap_or(u32::MAX);
        for row in 0..rows {
            // A read whose response was lost is simply retried.
            if send.contains(&row) {
                ledger.set(row, State::NotSent);
            }
        }
        let again = Again {
            send,
            ..Again::default()
        };
        Ok((ledger, again))
    }

    fn is_of(&self, asked: &Asked) -> Result<(), Error> {
        let call = |asked: &'_ Asked| (asked.service.clone(), asked.path.clone(), asked.body.clone());
        if call(&self.asked) != call(asked) {
            return Err(another_call());
        }
        // Filters may come from a Python set, which has no order.
        let sorted = |query: &[(String, String)]| {
            let mut query = query.to_vec();
            query.sort();
            query
        };
        let (theirs, ours) = (sorted(&self.asked.query), sorted(&asked.query));
        if theirs == ours {
            return Ok(());
        }
        let differs = theirs
            .iter()
            .find(|pair| !ours.contains(pair))
            .or_else(|| ours.iter().find(|pair| !theirs.contains(pair)))
            .map_or("one", |(name, _)| name);
        Err(Error::Option(format!(
            "after=: `{differs}` is not as in the call that failed; repeat that call with its own arguments, or leave \
             after= out to start over"
        )))
    }
}

/// Rows of a read by ids that have no outcome yet.
const STILL_TO_BE_READ: [State; 3] = [State::NotSent, State::Failed, State::Unknown];

fn another_call() -> Error {
    Error::Option(
        "after=: that error is from another call; pass the one of the same method, project and service, or leave after= \
         out to start over"
            .to_owned(),
    )
}
