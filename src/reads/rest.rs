//! Resumable reads. A list resumes at its cursor, and a batch-get resumes with the ids not yet read.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::api::{Call, Query, assets};
use crate::call::{Place, Reading, Session};
use crate::columns::Table;
use crate::error::{Error, stopped};
use crate::http::{Phase, Stop};
use crate::ids::ProjectId;
use crate::ledger::{Ledger, Status, View};
use crate::listing::{self, Limited, Listing, Machine, PER_PAGE};
use crate::run::Continuation;
use crate::run::machine::Ended;
use crate::run::options::GetOptions;
use crate::run::{Job, MOST_KEPT, Part, Tolerance};

/// The request made by a read. A call that resumes the read must make the same request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRequest {
    pub service: String,
    /// Includes the project.
    pub path: String,
    pub query: Vec<(String, String)>,
    /// The request body.
    pub body: Option<String>,
    /// The lists that together are the result. They depend on the order of the filters, and on the settings.
    lists: Vec<Query>,
}

/// What remains of a read.
#[derive(Clone, Serialize, Deserialize)]
pub struct Rest {
    asked: ReadRequest,
    from: From,
}

#[derive(Clone, Serialize, Deserialize)]
enum From {
    Page(Place),
    /// A list that is read whole, in several parts.
    Whole(Box<Machine>),
    Rows(Arc<Ledger>),
}

/// A cursor is opaque and does not belong in logs.
impl fmt::Debug for Rest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Rest")
    }
}

impl ReadRequest {
    fn of(session: &Session, call: &Call) -> Self {
        let body = call.body.as_deref();
        Self {
            service: session.service(),
            path: call.path.clone(),
            query: call.query.clone(),
            // Every request body is JSON, which is UTF-8.
            body: body.map(|body| String::from_utf8_lossy(body).into_owned()),
            lists: Vec::new(),
        }
    }
}

impl Rest {
    /// What remains of a read by ids, or `None` if all ids were read.
    #[must_use]
    fn of_rows(asked: ReadRequest, ledger: &Ledger) -> Option<Self> {
        let rows = u32::try_from(ledger.rows()).unwrap_or(u32::MAX);
        let is_left = |row| STILL_TO_BE_READ.contains(&ledger.status(row));
        (!ledger.complete || (0..rows).any(is_left)).then(|| Self {
            asked,
            from: From::Rows(Arc::new(ledger.clone())),
        })
    }

    /// Checks that a list is the one that failed.
    ///
    /// # Errors
    /// [`Error::Option`] if the call makes a different request.
    fn is_list(&self, asked: &ReadRequest) -> Result<(), Error> {
        match &self.from {
            From::Page(_) | From::Whole(_) => self.is_of(asked),
            From::Rows(_) => Err(another_call()),
        }
    }

    /// Returns the page at which the list resumes, if it was read page by page.
    fn page(&self) -> Option<Place> {
        match &self.from {
            From::Page(place) => Some(place.clone()),
            From::Whole(_) | From::Rows(_) => None,
        }
    }

    /// Returns where a list resumes that is read whole.
    fn machine(&self) -> Option<&Machine> {
        match &self.from {
            From::Whole(machine) => Some(machine),
            From::Page(_) | From::Rows(_) => None,
        }
    }

    /// Returns the ledger of a read by ids, and the rows that remain to be read.
    ///
    /// # Errors
    /// [`Error::Option`] if the call makes a different request.
    fn rows(&self, asked: &ReadRequest) -> Result<(Ledger, Continuation), Error> {
        let From::Rows(ledger) = &self.from else {
            return Err(another_call());
        };
        self.is_of(asked)?;
        let view = View::new(ledger.clone());
        let send = view.settled_in(&STILL_TO_BE_READ);
        let mut ledger = view.reopened();
        let rows = u32::try_from(ledger.rows()).unwrap_or(u32::MAX);
        for row in 0..rows {
            // A read is safe to retry if its response was lost.
            if send.contains(&row) {
                ledger.set(row, Status::NotSent);
            }
        }
        let continuation = Continuation {
            send,
            ..Continuation::default()
        };
        Ok((ledger, continuation))
    }

    fn is_of(&self, asked: &ReadRequest) -> Result<(), Error> {
        let call = |asked: &'_ ReadRequest| (asked.service.clone(), asked.path.clone(), asked.body.clone());
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
            "after=: `{differs}` differs from the call that failed. Repeat that call with the same \
                arguments, or omit after= to start over"
        )))
    }
}

/// The result of a read.
pub struct ReadEnd {
    pub table: Table,
    /// What remains of the read.
    pub rest: Option<Rest>,
    pub error: Option<Error>,
}

/// An earlier read that failed: what remains of it, and the rows it read.
pub type Earlier<'e> = (&'e Rest, &'e Table);

/// A read of a list.
pub struct List {
    asked: ReadRequest,
    way: Way,
}

/// How a list is read.
enum Way {
    /// All assets, whole.
    Whole(Box<Listing>),
    /// The first assets, in the order of the service.
    First(Box<Limited>),
    /// Another list, page by page.
    Pages(Session, Call, Box<Reading>),
}

impl List {
    /// Creates the list of all rows, or of the first `most` rows.
    ///
    /// # Errors
    /// [`Error::Option`] if the earlier read made a different request, or if the filters are too long.
    pub fn new(
        session: Session,
        call: Call,
        earlier: Option<Earlier<'_>>,
        most: Option<usize>,
    ) -> Result<Self, Error> {
        let mut asked = ReadRequest::of(&session, &call);
        let is_of_assets = call.endpoint.name == assets::LIST.name;
        if is_of_assets {
            asked.lists = listing::lists(&call)?;
        }
        if let Some((rest, _)) = earlier {
            rest.is_list(&asked)?;
        }
        let place = earlier.and_then(|(rest, table)| Some((rest.page()?, table.clone())));
        let way = if !is_of_assets {
            let (place, table) = place.unwrap_or_default();
            Way::Pages(session, call, Box::new(Reading { table, place }))
        } else if let Some(most) = most
            && asked.lists.len() == 1
        {
            let kept = earlier.map(|(_, table)| table.clone()).unwrap_or_default();
            Way::First(Box::new(Limited::new(session, call, most, PER_PAGE).after(kept)))
        } else {
            // What was read of other lists says nothing about these.
            let earlier = earlier.filter(|(rest, _)| rest.asked.lists == asked.lists);
            let earlier = earlier.map(|(rest, table)| (rest.machine(), table));
            let listing = Listing::new(session, call, PER_PAGE, earlier)?;
            Way::Whole(Box::new(listing.first(most)))
        };
        Ok(Self { asked, way })
    }

    /// Reads until there are enough rows, the end of the list, an error, or `stop`.
    pub async fn read(self, stop: &Stop) -> ReadEnd {
        let Self { asked, mut way } = self;
        let reading = async {
            match &mut way {
                Way::Whole(listing) => listing.read().await,
                Way::First(limited) => limited.read().await,
                Way::Pages(session, call, reading) => reading.go_on(session, call.clone()).await,
            }
        };
        let read = tokio::select! {
            read = reading => read,
            () = stop.reached(Phase::Now) => Err(stopped()),
        };
        let (table, from) = match way {
            Way::Whole(listing) => {
                let (table, machine) = listing.end();
                (table, From::Whole(Box::new(machine)))
            }
            Way::First(limited) => {
                let table = if read.is_err() {
                    limited.partial()
                } else {
                    limited.table
                };
                (table, From::Page(Place::default()))
            }
            Way::Pages(_, _, reading) => (reading.table, From::Page(reading.place)),
        };
        ReadEnd {
            table,
            rest: read.is_err().then(|| Rest { asked, from }),
            error: read.err(),
        }
    }
}

/// A read of assets by id, as a run whose rows are the ids.
pub struct Get {
    asked: ReadRequest,
    before: Option<Table>,
}

impl Get {
    /// Creates the read, the job that runs it, and the ledger of the run. `replayable` says whether the
    /// source can be read again.
    ///
    /// # Errors
    /// [`Error::Option`] if the earlier read made a different request.
    pub fn new(
        session: &Session,
        project: ProjectId,
        options: GetOptions,
        replayable: bool,
        earlier: Option<Earlier<'_>>,
    ) -> Result<(Self, Job, Ledger), Error> {
        let write = &assets::BATCH_GET;
        let query = options.query();
        let call = session.to(&write.endpoint, &[("project", &project.to_string())])?;
        let asked = ReadRequest::of(session, &call.with_query(query.clone()));
        let (ledger, continuation) = match earlier {
            None => (Ledger::default(), Continuation::default()),
            Some((rest, _)) => rest.rows(&asked)?,
        };
        let batch_size = options.batch_size;
        let part = Part {
            query,
            ..Part::of(write, options.policy(write.row), batch_size)
        };
        let job = Job {
            parts: vec![part],
            project,
            tolerance: Tolerance::All,
            dry_run: false,
            keep: true,
            replayable,
            most_kept: MOST_KEPT,
            reconcile: false,
            continuation,
            journal: None,
        };
        let before = earlier.map(|(_, table)| table.clone());
        Ok((Self { asked, before }, job, ledger))
    }

    /// Combines the results of this run and the earlier read.
    #[must_use]
    pub fn end(self, ended: Ended, ledger: &Ledger) -> ReadEnd {
        let Ended { mut table, fatal } = ended;
        if let Some(before) = &self.before {
            table.append(before);
        }
        table.sort();
        table.missing.extend(ledger.missing());
        ReadEnd {
            table,
            rest: Rest::of_rows(self.asked, ledger),
            error: fatal.or_else(|| without_ids(ledger)),
        }
    }
}

/// Returns an error if the rows have no id column. Blank cells in an id column are not an error here.
fn without_ids(ledger: &Ledger) -> Option<Error> {
    if ledger.rows() == 0 || !ledger.columns.is_empty() {
        return None;
    }
    let fault = ledger.fault(0)?;
    Some(Error::Input(format!(
        "{}; pass the name of the id column as key=",
        fault.message
    )))
}

/// The statuses of rows that a read by ids has not read yet.
const STILL_TO_BE_READ: [Status; 3] = [Status::NotSent, Status::Failed, Status::Unknown];

fn another_call() -> Error {
    Error::Option(
        "after=: the error is from another call. Pass an error of the same method, project and service, or \
            omit after= to start over"
            .to_owned(),
    )
}
