//! Writes and reads the tables of a journal.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::entries::Entries;
use super::header::{Header, StoredRun};
use super::input;
use super::rows::{each, some};
use super::trouble::{DAMAGED, Trouble};
use crate::input::Label;
use crate::ledger::{Ledger, OwnedLabel, Record, SentBody, Status};

pub(super) fn put(connection: &Connection, entries: &Entries) -> Result<(), Trouble> {
    let mut statement = connection.prepare("INSERT OR REPLACE INTO sendings VALUES (?1, ?2)")?;
    let mut keep_body = connection.prepare("INSERT OR REPLACE INTO request_bodies VALUES (?1, ?2)")?;
    let mut drop_body = connection.prepare("DELETE FROM request_bodies WHERE sending = ?1")?;
    for (number, sending, body) in &entries.sendings {
        statement.execute(params![number, json(sending)?])?;
        match body {
            Some(body) => keep_body.execute(params![number, json(body)?])?,
            None => drop_body.execute(params![number])?,
        };
    }
    let mut statement = connection.prepare(
        "INSERT INTO headings VALUES (?1, ?2) ON CONFLICT DO UPDATE SET counts_as = ?2 WHERE counts_as IS NOT ?2",
    )?;
    for (heading, counts_as) in &entries.headings {
        statement.execute(params![heading, counts_as])?;
    }
    input::put(connection, entries)?;
    put_reasons(connection, entries)?;
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
            record.status.as_str(),
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

fn put_reasons(connection: &Connection, entries: &Entries) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("INSERT OR REPLACE INTO phrases VALUES (?1, ?2)")?;
    for (number, phrase) in (entries.changes.phrases_from..).zip(&entries.phrases) {
        statement.execute(params![number, phrase.as_bytes()])?;
    }
    let mut statement = connection.prepare("INSERT OR REPLACE INTO checks VALUES (?1, ?2)")?;
    for (number, problems) in (entries.changes.checks_from..).zip(&entries.checks) {
        statement.execute(params![number, problems])?;
    }
    // The body with a given number never changes.
    let mut keep = connection.prepare("INSERT OR IGNORE INTO response_bodies VALUES (?1, ?2)")?;
    let mut drop = connection.prepare("DELETE FROM response_bodies WHERE number = ?1")?;
    for (number, body) in &entries.bodies {
        match body {
            Some(body) => keep.execute(params![number, body])?,
            None => drop.execute(params![number])?,
        };
    }
    let mut keep = connection.prepare("INSERT OR IGNORE INTO faults VALUES (?1, ?2)")?;
    let mut drop = connection.prepare("DELETE FROM faults WHERE number = ?1")?;
    for (number, fault) in &entries.faults {
        match fault {
            Some(fault) => keep.execute(params![number, fault])?,
            None => drop.execute(params![number])?,
        };
    }
    Ok(())
}

/// Reads a run from its file. Also returns whether anything was written after the file was created.
pub(super) fn load(connection: &Connection) -> Result<(StoredRun, bool), Trouble> {
    let mut ledger = Ledger::default();
    each(connection, "SELECT * FROM sendings ORDER BY number", |_, row| {
        ledger.restore_sending(of_json(row, 1)?);
        Ok(())
    })?;
    load_reasons(connection, &mut ledger)?;
    let sendings = ledger.sendings().len();
    let mut statement = connection.prepare("SELECT * FROM headings")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // A damaged table may repeat rows endlessly.
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
                ValueRef::Null => Label::Number,
                ValueRef::Integer(number) => Label::Int(number),
                text => Label::Text(text.as_str()?),
            };
            let state = row.get_ref(3)?.as_str()?;
            let Some(state) = Status::ALL.into_iter().find(|known| known.as_str() == state) else {
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
            let fault = row.get::<_, Option<u32>>(7)?;
            if let Some(fault) = fault.filter(|fault| !ledger.faults.has(*fault)) {
                return Err(rusqlite::Error::IntegralValueOutOfRange(7, fault.into()));
            }
            ledger.restore(&Record {
                row: number,
                label,
                key: row.get_ref(2)?.as_str()?,
                status: state,
                id: row.get(4)?,
                digest: row.get::<_, i64>(5)?.cast_unsigned(),
                sending: points_at(6, sendings)?,
                fault,
                same_as: points_at(8, number as usize)?,
            });
            Ok(())
        },
    )?;
    load_bodies(connection, &mut ledger)?;
    input::load(connection, &mut ledger)?;
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
        let kept = StoredRun {
            header,
            ledger: std::mem::take(&mut ledger),
            begun,
            written: written.unwrap_or(begun),
        };
        Ok((kept, written.is_some()))
    })?)
}

/// Reads the reasons for row statuses, and the phrases and response bodies that the reasons refer to.
fn load_reasons(connection: &Connection, ledger: &mut Ledger) -> rusqlite::Result<()> {
    let damaged = |name: &str| rusqlite::Error::InvalidColumnType(1, name.to_owned(), Type::Blob);
    let faults = &mut ledger.faults;
    each(connection, "SELECT * FROM phrases ORDER BY number", |_, row| {
        let phrase = std::str::from_utf8(row.get_ref(1)?.as_blob()?).map_err(|error| unreadable(1, error))?;
        faults.phrases.restore(phrase.into());
        Ok(())
    })?;
    each(connection, "SELECT * FROM checks ORDER BY number", |_, row| {
        let fits = faults.restore_checks(row.get_ref(1)?.as_blob()?);
        fits.then_some(()).ok_or_else(|| damaged("problems"))
    })?;
    some(
        connection,
        "SELECT * FROM response_bodies ORDER BY number",
        |number, row| {
            faults.bodies.restore(number, row.get_ref(1)?.as_str()?.into());
            Ok(())
        },
    )?;
    some(
        connection,
        "SELECT * FROM faults ORDER BY number",
        |number, row| {
            let fits = faults.restore_other(number, row.get_ref(1)?.as_blob()?);
            fits.then_some(()).ok_or_else(|| damaged("fault"))
        },
    )
}

/// Reads the request bodies of rows whose outcome is unknown.
fn load_bodies(connection: &Connection, ledger: &mut Ledger) -> Result<(), Trouble> {
    let mut statement = connection.prepare("SELECT * FROM request_bodies ORDER BY sending")?;
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
        if sending as usize >= ledger.sendings().len()
            || !fits
            || !body.rows.is_sorted_by_key(|item| item.end)
        {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, sending.into()).into());
        }
        ledger.restore_body(sending, body);
    }
    for row in 0..u32::try_from(ledger.rows()).unwrap_or(u32::MAX) {
        let record = ledger.record(row);
        if record.status == Status::Unknown
            && record.same_as.is_none()
            && let Some(sending) = record.sending
            && !kept.contains(&(sending, row))
        {
            // Without its body, the row would stay unknown forever, or a lookup would compare the wrong values.
            let missing = format!("is damaged (the request body of row {row} is missing)");
            return Err(Trouble::Other(missing, DAMAGED));
        }
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
