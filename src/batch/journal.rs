//! The journal of a named run: its ledger on the disk, so that the run goes on after any end.
//!
//! One `SQLite` file per run. It has a rollback journal, not a write-ahead log, so that the one file holds all that was
//! written down, even after `kill -9`: whoever copies or moves it misses nothing. A lock file beside it says who drives
//! the run (see `lock`); the system frees that lock with the process. `SQLite`'s own lock on the file keeps other
//! programs from reading a transaction that is under way. We open the file through `SQLite` only, since on Unix closing
//! any other descriptor of a file frees the POSIX locks that the process has on it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::lock::{Lock, Refusal};
use crate::batch::outcome::{Changes, Fault, Ledger, OwnedLabel, Record, Sending, SentBody, State};
use crate::error::Error;

/// `ACCA`: marks a file as a journal of ours.
const APPLICATION: i32 = 0x4143_4341;
/// What the tables below look like; a file with a higher number was made by a later version.
const FORMAT: i32 = 2;
const TABLES: &str = "
    CREATE TABLE run (verb TEXT NOT NULL, project TEXT NOT NULL, service TEXT NOT NULL, import_key TEXT,
        import_prefix TEXT, complete INTEGER NOT NULL DEFAULT 0, begun TEXT NOT NULL, written TEXT) STRICT;
    CREATE TABLE sendings (number INTEGER PRIMARY KEY, sending TEXT NOT NULL) STRICT;
    CREATE TABLE bodies (sending INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE headings (heading TEXT PRIMARY KEY, counts_as TEXT) STRICT;
    CREATE TABLE faults (number INTEGER PRIMARY KEY, fault TEXT NOT NULL) STRICT;
    CREATE TABLE records (number INTEGER PRIMARY KEY, label ANY, key TEXT NOT NULL, state TEXT NOT NULL, id TEXT,
        digest INTEGER NOT NULL, sending INTEGER, fault INTEGER, same_as INTEGER) STRICT;
";

/// How long a driver waits for another one to end, or for somebody who only looks at the file.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long one who looks waits for another who does.
const GLANCE: Duration = Duration::from_millis(50);

/// What a run is; a run that goes on must be the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `create`, `patch`, ...
    pub verb: String,
    pub project: String,
    /// The origin of the service's address.
    pub service: String,
    pub import_key: Option<String>,
}

/// A run as its file has it.
#[derive(Debug)]
pub struct Kept {
    pub header: Header,
    pub ledger: Ledger,
    pub begun: Timestamp,
    /// When something was last written down; the begin where nothing was yet.
    pub written: Timestamp,
}

/// The file of a run that this process drives; nobody else can until it is dropped.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    connection: Connection,
    /// Freed after the connection is closed.
    _lock: Lock,
    /// How many requests and rows of the ledger it has.
    sendings: usize,
    rows: u32,
}

/// What is written in one transaction: a part of the ledger as it was at one moment.
pub(super) struct Entries {
    changes: Changes,
    /// Requests by number, and what those carried that are in doubt.
    sendings: Vec<(usize, Sending, Option<SentBody>)>,
    all_sendings: usize,
    headings: BTreeMap<String, Option<String>>,
    faults: Vec<Fault>,
    records: Vec<Entry>,
    import_prefix: Option<Box<str>>,
    complete: bool,
}

impl Entries {
    /// Whether nothing of the rows and requests is in it.
    pub fn is_empty(&self) -> bool {
        self.sendings.is_empty() && self.faults.is_empty() && self.records.is_empty()
    }

    /// What to put back into the ledger where it could not be written.
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}

/// A `Record` with texts of its own.
struct Entry {
    row: u32,
    label: OwnedLabel,
    key: Box<str>,
    state: State,
    id: Option<String>,
    digest: u64,
    sending: Option<u32>,
    fault: Option<u32>,
    same_as: Option<u32>,
}

impl Entry {
    fn of(ledger: &Ledger, row: u32) -> Self {
        let record = ledger.record(row);
        Self {
            row,
            label: record.label.clone(),
            key: record.key.into(),
            state: record.state,
            id: record.id,
            digest: record.digest,
            sending: record.sending,
            fault: record.fault,
            same_as: record.same_as,
        }
    }
}

impl Journal {
    /// Opens or makes the file of a run and locks it. Gives the ledger it holds if something was written down before:
    /// that ledger is watched, and what stands in it does not count as changed.
    pub fn open(path: &Path, header: &Header) -> Result<(Self, Option<Ledger>), Error> {
        // Absolute, since the process may change its folder later.
        let path = absolute(path).map_err(|error| Trouble::from(error).at(path))?;
        let (lock, connection, kept, going_on) =
            Self::locked(&path, header).map_err(|trouble| trouble.at(&path))?;
        if going_on && kept.header != *header {
            return Err(Error::Option(format!(
                "the run {} {}, and this call {}; give this call a run of its own, or delete that one if you do not \
                 need it any more",
                path.display(),
                kept.header.told(),
                header.told()
            )));
        }
        let mut ledger = kept.ledger;
        ledger.watch();
        ledger.take_changes();
        let journal = Self {
            path,
            connection,
            _lock: lock,
            sendings: ledger.sendings().len(),
            rows: u32::try_from(ledger.rows()).unwrap_or(u32::MAX),
        };
        Ok((journal, going_on.then_some(ledger)))
    }

    fn locked(path: &Path, header: &Header) -> Result<(Lock, Connection, Kept, bool), Trouble> {
        make_folder(path)?;
        let lock = Lock::take(path, PATIENCE)?;
        if !path.try_exists()? {
            make(path, header)?;
        }
        let mut connection = connect(path, PATIENCE)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        // Keeps the lock that it has now. Said before, each of several who begin at once would keep the lock to read
        // with while it waits for the one to write, and so keep the others from it.
        transaction.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        let (kept, going_on) = load(&transaction)?;
        if !going_on {
            // Nothing was sent in its name: whatever it was to be, it begins now.
            transaction.execute("DELETE FROM run", [])?;
            begin(&transaction, header)?;
        }
        // A file that cannot be written must be known before anything is sent; this writes though nothing changes.
        transaction.pragma_update(None, "user_version", FORMAT)?;
        commit(transaction, path, 0)?;
        still_there(path)?;
        Ok((lock, connection, kept, going_on))
    }

    /// Writes down what changed in the ledger. When this returns, it is on the disk; on an error nothing was written,
    /// and the changes are in the ledger again.
    pub fn write(&mut self, ledger: &mut Ledger) -> Result<(), Error> {
        let entries = self.take(ledger, u32::MAX);
        let written = self.put(&entries);
        if written.is_err() {
            ledger.put_back(entries.changes);
        }
        written
    }

    /// Takes what changed in the ledger, to be put into this journal; of new rows only those before this one.
    pub(super) fn take(&self, ledger: &mut Ledger, before: u32) -> Entries {
        let changes = ledger.take_changes_before(before);
        // New requests without a gap, also where nothing was noted of one.
        let noted = changes.sendings.iter().map(|number| *number as usize);
        let new = self.sendings..ledger.sendings().len();
        let taken = ledger.taken();
        let sending = |number: usize| {
            let body = ledger.body(u32::try_from(number).unwrap_or(u32::MAX));
            // Not before its rows.
            let body = body.filter(|body| body.rows.iter().all(|item| item.row < taken));
            (number, ledger.sendings()[number].clone(), body.cloned())
        };
        Entries {
            sendings: noted
                .filter(|number| !new.contains(number))
                .chain(new.clone())
                .map(sending)
                .collect(),
            all_sendings: new.end,
            headings: ledger.headings.clone(),
            faults: ledger.faults()[changes.faults_from..changes.faults_to].to_vec(),
            records: changes.rows.iter().map(|row| Entry::of(ledger, *row)).collect(),
            import_prefix: ledger.import_prefix.clone(),
            // Whoever reads this takes the rows for all there are.
            complete: ledger.complete && taken as usize == ledger.read(),
            changes,
        }
    }

    /// Puts what was taken last into the journal. When this returns, it is on the disk; on an error nothing was written.
    pub(super) fn put(&mut self, entries: &Entries) -> Result<(), Error> {
        let Self { path, connection, .. } = self;
        let mut put = || {
            still_there(path)?;
            let transaction = connection.transaction()?;
            put(&transaction, entries)?;
            commit(transaction, path, entries.records.len())
        };
        put().map_err(|trouble| trouble.at(path))?;
        self.sendings = entries.all_sendings;
        let last = entries.records.last().map_or(0, |last| last.row + 1);
        self.rows = self.rows.max(last);
        Ok(())
    }

    #[cfg(feature = "simulator")]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> u32 {
        self.rows
    }

    /// Reads a run without driving it; `None` while somebody drives it.
    pub fn read(path: &Path) -> Result<Option<Kept>, Error> {
        let read = || {
            // Whoever opens the file while a transaction is under way rolls it back, unless SQLite's lock is there.
            if Lock::is_held(path)? {
                return Err(Trouble::Driven);
            }
            let mut connection = connect(path, GLANCE)?;
            let transaction = connection.transaction()?;
            Ok(load(&transaction)?.0)
        };
        match read() {
            Ok(kept) => Ok(Some(kept)),
            Err(Trouble::Driven) => Ok(None),
            Err(trouble) => Err(trouble.at(path)),
        }
    }

    /// Deletes the file of a run, damaged or not, unless somebody drives it.
    pub fn delete(path: &Path) -> Result<(), Error> {
        let delete = || {
            let _lock = Lock::take(path, GLANCE)?;
            let free = || {
                let mut connection = connect(path, GLANCE)?;
                Ok(connection
                    .transaction_with_behavior(TransactionBehavior::Exclusive)?
                    .commit()?)
            };
            // Another program may have the file open.
            if let Err(Trouble::Driven) = free() {
                return Err(Trouble::Driven);
            }
            fs::remove_file(path)?;
            match fs::remove_file(rollback(path)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => Ok(removed?),
            }
        };
        delete().map_err(|trouble: Trouble| trouble.at(path))
    }
}

impl Header {
    fn told(&self) -> String {
        let key = match &self.import_key {
            Some(key) => format!("the import key `{key}`"),
            None => "no import key".to_owned(),
        };
        format!(
            "is a {} in project {} at {} with {key}",
            self.verb, self.project, self.service
        )
    }
}

/// What is wrong with the file of a run.
enum Trouble {
    /// Somebody drives it.
    Driven,
    /// What it is, and what to do.
    Other(String, &'static str),
}

const CHANGED: &str = "was changed by another program";
const FOREIGN: &str = "give the run another name; the file was not touched";
const DAMAGED: &str = "put a copy of the file back; if there is none, delete it, and look up in the project which rows \
                       are there before you send them again";
const UNWRITABLE: &str = "allow this user to write the file and its folder, or keep runs in another folder \
                          (ACC_ASSETS_RUNS)";
const LOCAL: &str = "keep runs in a folder on a local disk (ACC_ASSETS_RUNS)";
const FULL: &str = "make room on the disk and call again: the run goes on from what was written down";

impl Trouble {
    fn at(self, path: &Path) -> Error {
        let (what, fix) = match self {
            Self::Driven => (
                "is driven by another process, or by an earlier call that is still under way".to_owned(),
                "wait until that has ended, or stop it",
            ),
            Self::Other(what, fix) => (what, fix),
        };
        Error::Journal(format!("the run {} {what}; {fix}", path.display()))
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        let said = error.to_string();
        let rusqlite::Error::SqliteFailure(failure, _) = error else {
            // A value that none of ours can be.
            return Self::Other(format!("is damaged ({said})"), DAMAGED);
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Driven,
            ErrorCode::NotADatabase => Self::Other(
                "is no journal of a run, or one whose beginning is destroyed".to_owned(),
                FOREIGN,
            ),
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                Self::Other(format!("cannot be opened for writing ({said})"), UNWRITABLE)
            }
            ErrorCode::DiskFull | ErrorCode::SystemIoFailure => {
                Self::Other(format!("cannot be read or written ({said})"), FULL)
            }
            _ => Self::Other(format!("is damaged ({said})"), DAMAGED),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Other(format!("cannot be used ({error})"), UNWRITABLE)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Held => Self::Driven,
            Refusal::NoFile(error) => Self::Other(
                format!("cannot be locked: its lock file cannot be opened ({error})"),
                UNWRITABLE,
            ),
            Refusal::NoLocks(error) => Self::Other(
                format!("cannot be locked: its file system has no locks ({error})"),
                LOCAL,
            ),
        }
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Makes the file of a new run. It appears under its name with all its tables or not at all, so that an empty file is
/// never taken for a run that has not begun.
fn make(path: &Path, header: &Header) -> Result<(), Trouble> {
    if rollback(path).try_exists()? {
        // SQLite would roll the new file back to what the removed one was.
        return Err(Trouble::Other(
            format!(
                "was removed, but not {}, which belongs to it",
                rollback(path).display()
            ),
            "put the run's file back, or remove this one too",
        ));
    }
    let mut draft = std::ffi::OsString::from(format!(".{:016x}-", fastrand::u64(..)));
    draft.push(path.file_name().unwrap_or_default());
    let draft = path.with_file_name(draft);
    let published = fill(&draft, header).map(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match published? {
        Ok(()) => Ok(removed?),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(removed?),
        // A file system without links.
        Err(_) => fill(path, header),
    }
}

fn fill(path: &Path, header: &Header) -> Result<(), Trouble> {
    // SQLite would let the umask decide who may read the rows. Its rollback journal gets the same rights.
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.write(true).create_new(true).open(path)?);
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.execute_batch(TABLES)?;
    begin(&transaction, header)?;
    commit(transaction, path, 0)
}

fn begin(connection: &Connection, header: &Header) -> Result<(), Trouble> {
    connection.execute(
        "INSERT INTO run (verb, project, service, import_key, begun) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            header.verb,
            header.project,
            header.service,
            header.import_key,
            Timestamp::now().to_string()
        ],
    )?;
    Ok(())
}

/// Ends a transaction; it is on the disk then. The one place where a journal is synced.
fn commit(transaction: Transaction<'_>, path: &Path, rows: usize) -> Result<(), Trouble> {
    #[cfg(feature = "simulator")]
    crate::batch::disk::sync(path, rows);
    let _ = (path, rows);
    Ok(transaction.commit()?)
}

fn put(connection: &Connection, entries: &Entries) -> Result<(), Trouble> {
    let mut statement = connection.prepare("INSERT OR REPLACE INTO sendings VALUES (?1, ?2)")?;
    let mut keep_body = connection.prepare("INSERT OR REPLACE INTO bodies VALUES (?1, ?2)")?;
    let mut drop_body = connection.prepare("DELETE FROM bodies WHERE sending = ?1")?;
    for (number, sending, body) in &entries.sendings {
        statement.execute(params![number, json(sending)?])?;
        match body {
            Some(body) => keep_body.execute(params![number, json(body)?])?,
            None => drop_body.execute(params![number])?,
        };
    }
    let mut statement = connection.prepare("INSERT OR IGNORE INTO headings VALUES (?1, ?2)")?;
    for (heading, counts_as) in &entries.headings {
        statement.execute(params![heading, counts_as])?;
    }
    let mut statement = connection.prepare("INSERT OR REPLACE INTO faults VALUES (?1, ?2)")?;
    for (number, fault) in (entries.changes.faults_from..).zip(&entries.faults) {
        statement.execute(params![number, json(fault)?])?;
    }
    let mut statement =
        connection.prepare("INSERT OR REPLACE INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    for record in &entries.records {
        let label = match &record.label {
            OwnedLabel::Number => ValueRef::Null,
            OwnedLabel::Int(number) => ValueRef::Integer(*number),
            OwnedLabel::Text(text) => ValueRef::Text(text.as_bytes()),
        };
        statement.execute(params![
            record.row,
            ToSqlOutput::Borrowed(label),
            record.key,
            record.state.as_str(),
            record.id,
            record.digest.cast_signed(),
            record.sending,
            record.fault,
            record.same_as
        ])?;
    }
    connection.execute(
        "UPDATE run SET import_prefix = ?1, complete = ?2, written = ?3",
        params![
            entries.import_prefix,
            entries.complete,
            Timestamp::now().to_string()
        ],
    )?;
    Ok(())
}

/// Where `SQLite` keeps what it needs to roll a cut-off transaction back.
fn rollback(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

fn connect(path: &Path, patience: Duration) -> Result<Connection, Trouble> {
    if path.try_exists()? && !path.is_file() {
        return Err(Trouble::Other("is no file".to_owned(), FOREIGN));
    }
    // Writable if it can be: a cut-off transaction is rolled back by whoever opens the file next.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    // What a request carried is overwritten once its rows are settled, not only marked as free.
    connection.pragma_update(None, "secure_delete", true)?;
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, FORMAT) => {
            if !is_ours(&connection)? {
                return Err(Trouble::Other(CHANGED.to_owned(), FOREIGN));
            }
            Ok(connection)
        }
        (APPLICATION, format) if (1..FORMAT).contains(&format) => Err(Trouble::Other(
            format!(
                "was made by an earlier version of acc-assets (format {format}, this version needs {FORMAT})"
            ),
            "finish it with that version, or give this call another run",
        )),
        (APPLICATION, format) if format > FORMAT => Err(Trouble::Other(
            format!(
                "was made by a later version of acc-assets (format {format}, this version knows {FORMAT})"
            ),
            "update acc-assets, or give the run another name",
        )),
        _ if number("page_count")? == 0 => Err(Trouble::Other("is empty or cut off".to_owned(), DAMAGED)),
        _ => Err(Trouble::Other("belongs to another program".to_owned(), FOREIGN)),
    }
}

/// Whether the file has our tables and nothing else. A view in place of a table may have rows without end, and a trigger
/// may undo what is written. In another journal mode what was written may be in other files.
fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let mut tables: BTreeSet<&str> = TABLES.split(';').map(str::trim).collect();
    tables.remove("");
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, sql) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str_or_null()?);
        let known = match sql {
            Some(sql) => tables.remove(sql),
            // The index of a primary key.
            None => name.starts_with("sqlite_autoindex_"),
        };
        if !known {
            return Ok(false);
        }
    }
    Ok(tables.is_empty() && mode == "delete")
}

/// `SQLite` would go on writing into a removed file, which nobody finds again.
fn still_there(path: &Path) -> Result<(), Trouble> {
    if path.try_exists()? && path.is_file() {
        return Ok(());
    }
    Err(Trouble::Other(
        "was removed while it was in use".to_owned(),
        "put it back if you can; otherwise look up in the project which rows are there before you send them again",
    ))
}

/// What stands in the file, and whether a driver has written since its begin.
fn load(connection: &Connection) -> Result<(Kept, bool), Trouble> {
    let mut ledger = Ledger::default();
    each(connection, "SELECT * FROM sendings ORDER BY number", |_, row| {
        ledger.restore_sending(of_json(row, 1)?);
        Ok(())
    })?;
    each(connection, "SELECT * FROM faults ORDER BY number", |_, row| {
        ledger.add_fault(of_json(row, 1)?);
        Ok(())
    })?;
    let (sendings, faults) = (ledger.sendings().len(), ledger.faults().len());
    let mut statement = connection.prepare("SELECT * FROM headings")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // A damaged table may come back to rows that it had before, without end.
        if ledger.headings.insert(row.get(0)?, row.get(1)?).is_some() {
            return Err(Trouble::Other(
                "is damaged (a heading is repeated)".to_owned(),
                DAMAGED,
            ));
        }
    }
    each(
        connection,
        "SELECT * FROM records ORDER BY number",
        |number, row| {
            let label = match row.get_ref(1)? {
                ValueRef::Null => OwnedLabel::Number,
                ValueRef::Integer(number) => OwnedLabel::Int(number),
                text => OwnedLabel::Text(text.as_str()?.into()),
            };
            let state = row.get_ref(3)?.as_str()?;
            let Some(state) = State::ALL.into_iter().find(|known| known.as_str() == state) else {
                return Err(rusqlite::Error::InvalidColumnType(
                    3,
                    "state".to_owned(),
                    Type::Text,
                ));
            };
            let points_at = |column: usize, most: usize| match row.get::<_, Option<u32>>(column)? {
                Some(number) if number as usize >= most => {
                    Err(rusqlite::Error::IntegralValueOutOfRange(column, number.into()))
                }
                number => Ok(number),
            };
            ledger.restore(&Record {
                row: number,
                label: &label,
                key: row.get_ref(2)?.as_str()?,
                state,
                id: row.get(4)?,
                digest: row.get::<_, i64>(5)?.cast_unsigned(),
                sending: points_at(6, sendings)?,
                fault: points_at(7, faults)?,
                same_as: points_at(8, number as usize)?,
            });
            Ok(())
        },
    )?;
    let mut statement = connection.prepare("SELECT * FROM bodies ORDER BY sending")?;
    let mut rows = statement.query([])?;
    let mut next = 0;
    let mut kept: HashSet<(u32, u32)> = HashSet::new();
    while let Some(row) = rows.next()? {
        let (sending, body): (u32, SentBody) = (row.get(0)?, of_json(row, 1)?);
        if sending < next {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, sending.into()).into());
        }
        next = sending.saturating_add(1);
        kept.extend(body.rows.iter().map(|item| (sending, item.row)));
        let fits = body
            .rows
            .iter()
            .all(|item| (item.row as usize) < ledger.rows() && body.text.is_char_boundary(item.end));
        if sending as usize >= sendings || !fits || !body.rows.is_sorted_by_key(|item| item.end) {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, sending.into()).into());
        }
        ledger.restore_body(sending, body);
    }
    for row in 0..u32::try_from(ledger.rows()).unwrap_or(u32::MAX) {
        let record = ledger.record(row);
        if record.state == State::Unknown
            && record.same_as.is_none()
            && let Some(sending) = record.sending
            && !kept.contains(&(sending, row))
        {
            // Without it the row would stay unknown for good, or be looked for as something else.
            let missing = format!("is damaged (what was sent of row {row} is missing)");
            return Err(Trouble::Other(missing, DAMAGED));
        }
    }
    let moment = |row: &Row<'_>, column: usize| {
        row.get::<_, Option<String>>(column)?
            .map(|moment| moment.parse::<Timestamp>())
            .transpose()
            .map_err(|error| unreadable(column, error))
    };
    Ok(connection.query_row("SELECT * FROM run", [], |row| {
        ledger.import_prefix = row.get(4)?;
        ledger.complete = row.get(5)?;
        let begun = moment(row, 6)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let written = moment(row, 7)?;
        let header = Header {
            verb: row.get(0)?,
            project: row.get(1)?,
            service: row.get(2)?,
            import_key: row.get(3)?,
        };
        let kept = Kept {
            header,
            ledger: std::mem::take(&mut ledger),
            begun,
            written: written.unwrap_or(begun),
        };
        Ok((kept, written.is_some()))
    })?)
}

/// Every row of a table that is numbered from 0 without a gap.
fn each(
    connection: &Connection,
    query: &str,
    mut take: impl FnMut(u32, &Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut next = 0;
    while let Some(row) = rows.next()? {
        let number: u32 = row.get(0)?;
        if number != next {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, number.into()));
        }
        take(number, row)?;
        next += 1;
    }
    Ok(())
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn of_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| unreadable(column, error))
}

fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
