//! Dates and times from Python.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;

use crate::input::{Cell, date_of_day};

/// Returns the date of a `date` or `datetime`.
pub fn date(value: &Bound<'_, PyAny>) -> PyResult<Date> {
    // Python's day 1 is January 1 of the year 1.
    const DAY_OF_1970: i64 = 719_163;
    let day: i64 = value.call_method0(intern!(value.py(), "toordinal"))?.extract()?;
    date_of_day(day.saturating_sub(DAY_OF_1970)).ok_or_else(|| PyValueError::new_err("not a date"))
}

/// Returns the cell of a pandas Timestamp, whose years may exceed those of `toordinal`.
pub fn timestamp(value: &Bound<'_, PyAny>) -> PyResult<Cell<'static>> {
    let nanosecond: i64 = value.getattr(intern!(value.py(), "nanosecond"))?.extract()?;
    let moment = at_its_time(value, date_by_parts(value)?)?;
    let moment = moment.checked_add(SignedDuration::from_nanos(nanosecond));
    zoned(
        value,
        moment.map_err(|error| PyValueError::new_err(error.to_string()))?,
    )
}

fn date_by_parts(value: &Bound<'_, PyAny>) -> PyResult<Date> {
    let py = value.py();
    let year = value.getattr(intern!(py, "year"))?.extract()?;
    let month = value.getattr(intern!(py, "month"))?.extract()?;
    let day = value.getattr(intern!(py, "day"))?.extract()?;
    Date::new(year, month, day).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Returns the wall-clock time, regardless of the time zone.
pub fn at_its_time(value: &Bound<'_, PyAny>, date: Date) -> PyResult<DateTime> {
    let py = value.py();
    let hour = value.getattr(intern!(py, "hour"))?.extract()?;
    let minute = value.getattr(intern!(py, "minute"))?.extract()?;
    let second = value.getattr(intern!(py, "second"))?.extract()?;
    let microsecond: i32 = value.getattr(intern!(py, "microsecond"))?.extract()?;
    let time = Time::new(hour, minute, second, microsecond.saturating_mul(1000));
    Ok(date.to_datetime(time.map_err(|error| PyValueError::new_err(error.to_string()))?))
}

/// Returns the cell of a datetime, with the offset of its time zone if it has one.
pub fn zoned(value: &Bound<'_, PyAny>, moment: DateTime) -> PyResult<Cell<'static>> {
    let py = value.py();
    if value.getattr(intern!(py, "tzinfo"))?.is_none() {
        return Ok(Cell::DateTime(moment));
    }
    let offset = value.call_method0(intern!(py, "utcoffset"))?;
    if offset.is_none() {
        return Ok(Cell::DateTime(moment));
    }
    let seconds: f64 = offset.call_method0(intern!(py, "total_seconds"))?.extract()?;
    #[allow(clippy::cast_possible_truncation)] // Less than a day.
    let offset = Offset::from_seconds(seconds as i32);
    Ok(offset.map_or(Cell::DateTime(moment), |offset| Cell::Zoned(moment, offset)))
}
