//! Creates, opens and recognizes a run's file.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};

use super::header::Header;
use super::input;
use super::trouble::{CHANGED, DAMAGED, FOREIGN, Trouble};

/// `ACCA`: marks a file as one of our journals.
const APPLICATION: i32 = 0x4143_4341;
/// The version of the file format. A file with a higher number was made by a later version.
pub(super) const FORMAT: i32 = 4;
/// The format without the tables of `input`, which are added when such a run is resumed.
const WITHOUT_INPUT: i32 = 3;
const TABLES: &str = "
    CREATE TABLE run (verb TEXT NOT NULL, project TEXT NOT NULL, service TEXT NOT NULL, import_key TEXT,
        import_prefix TEXT, complete INTEGER NOT NULL DEFAULT 0, begun TEXT NOT NULL, written TEXT) STRICT;
    CREATE TABLE sendings (number INTEGER PRIMARY KEY, sending TEXT NOT NULL) STRICT;
    CREATE TABLE request_bodies (sending INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE headings (heading TEXT PRIMARY KEY, counts_as TEXT) STRICT;
    CREATE TABLE phrases (number INTEGER PRIMARY KEY, phrase BLOB NOT NULL) STRICT;
    CREATE TABLE checks (number INTEGER PRIMARY KEY, problems BLOB NOT NULL) STRICT;
    CREATE TABLE response_bodies (number INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE faults (number INTEGER PRIMARY KEY, fault BLOB NOT NULL) STRICT;
    CREATE TABLE records (number INTEGER PRIMARY KEY, label ANY, key TEXT NOT NULL, state TEXT NOT NULL, id TEXT,
        digest INTEGER NOT NULL, sending INTEGER, fault INTEGER, same_as INTEGER) STRICT;
";

pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let mut new: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    builder.recursive(true).create(folder)?;
    while let Some(folder) = new.pop() {
        sync_folder_of(folder);
    }
    Ok(())
}

/// Creates a new run's file with all of its tables, atomically if the file system supports hard links. An
/// empty file must never look like a run that has not started.
pub(super) fn make(path: &Path, header: &Header) -> Result<(), Trouble> {
    if rollback(path).try_exists()? {
        // SQLite would roll back the new file to the state of the removed one.
        return Err(Trouble::Other(
            format!(
                "was removed, but its rollback journal {} was not",
                rollback(path).display()
            ),
            "restore the run's file, or remove this one too",
        ));
    }
    let mut draft = std::ffi::OsString::from(format!(".{:016x}-", fastrand::u64(..)));
    draft.push(path.file_name().unwrap_or_default());
    let draft = path.with_file_name(draft);
    create(&draft)?;
    let published = fill(&draft, header).map(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match published? {
        Ok(()) => removed?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(removed?),
        // The file system does not support hard links.
        Err(_) => {
            create(path)?;
            sync_folder_of(path);
            return fill(path, header);
        }
    }
    // Otherwise, a power loss could leave the rollback journal of the first transaction without the run's file.
    sync_folder_of(path);
    Ok(())
}

/// Makes the name of a file or folder survive a power loss, where the file system can do this for names.
fn sync_folder_of(path: &Path) {
    let Some(folder) = path.parent() else { return };
    #[cfg(unix)]
    if fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .is_err()
    {
        return;
    }
    #[cfg(feature = "simulator")]
    super::disk::folder_is_synced(folder);
    let _ = folder;
}

fn create(path: &Path) -> io::Result<()> {
    // SQLite would let the umask decide who may read the rows. The rollback journal gets the same permissions as this
    // file.
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path).map(drop)
}

fn fill(path: &Path, header: &Header) -> Result<(), Trouble> {
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(input::TABLES)?;
    begin(&transaction, header)?;
    commit(transaction, path, 0)
}

/// Adds the tables that a file of an earlier format lacks.
pub(super) fn renew(transaction: &Transaction<'_>) -> Result<(), Trouble> {
    let format: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format == WITHOUT_INPUT {
        transaction.execute_batch(input::TABLES)?;
    }
    Ok(())
}

pub(super) fn begin(connection: &Connection, header: &Header) -> Result<(), Trouble> {
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

/// Commits a transaction to disk. No other function syncs a run's file.
pub(super) fn commit(transaction: Transaction<'_>, path: &Path, rows: usize) -> Result<(), Trouble> {
    #[cfg(feature = "simulator")]
    super::disk::sync(path, rows);
    let _ = (path, rows);
    Ok(transaction.commit()?)
}

/// Returns the path of `SQLite`'s rollback journal.
pub(super) fn rollback(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

pub(super) fn connect(path: &Path, patience: Duration) -> Result<Connection, Trouble> {
    if path.try_exists()? && !path.is_file() {
        return Err(Trouble::Other("is not a file".to_owned(), FOREIGN));
    }
    // Open it for writing if possible: the next process to open the file rolls back an interrupted transaction.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    // When request bodies are deleted, overwrite them with zeros instead of only marking their space as free.
    connection.pragma_update(None, "secure_delete", true)?;
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, format @ (WITHOUT_INPUT | FORMAT)) => {
            if !is_ours(&connection, format)? {
                return Err(Trouble::Other(CHANGED.to_owned(), FOREIGN));
            }
            Ok(connection)
        }
        (APPLICATION, format) if (1..WITHOUT_INPUT).contains(&format) => Err(Trouble::Other(
            format!(
                "was made by an earlier version of acc-assets (format {format}, this version needs {FORMAT})"
            ),
            "finish it with that version, or use another run name",
        )),
        (APPLICATION, format) if format > FORMAT => Err(Trouble::Other(
            format!(
                "was made by a later version of acc-assets (format {format}, this version knows {FORMAT})"
            ),
            "update acc-assets, or use another run name",
        )),
        _ if number("page_count")? == 0 => Err(Trouble::Other("is empty or truncated".to_owned(), DAMAGED)),
        _ => Err(Trouble::Other("belongs to another program".to_owned(), FOREIGN)),
    }
}

/// Returns whether the file contains exactly our tables and uses a rollback journal. A view in place of a
/// table could have endless rows, and a trigger could undo writes. In another journal mode, data could be in
/// other files.
fn is_ours(connection: &Connection, format: i32) -> rusqlite::Result<bool> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let added = if format == FORMAT { input::TABLES } else { "" };
    let mut tables: BTreeSet<&str> = TABLES.split(';').chain(added.split(';')).map(str::trim).collect();
    tables.remove("");
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, sql) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str_or_null()?);
        let known = match sql {
            Some(sql) => tables.remove(sql),
            // An index that SQLite creates for a primary key.
            None => name.starts_with("sqlite_autoindex_"),
        };
        if !known {
            return Ok(false);
        }
    }
    Ok(tables.is_empty() && mode == "delete")
}

/// Checks that the file still exists, because `SQLite` would keep writing to a removed file.
pub(super) fn still_there(path: &Path) -> Result<(), Trouble> {
    if path.try_exists()? && path.is_file() {
        return Ok(());
    }
    Err(Trouble::Other(
        "was removed while it was in use".to_owned(),
        "restore it if possible; otherwise, check which rows the project already has before you resend any",
    ))
}
