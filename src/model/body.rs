//! Reads the members of response bodies, and reports what is wrong with a body.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::shortened;
use crate::model::text::Text;

/// Returns the range of a value within the body that the value borrows from.
pub(crate) fn range_in(body: &[u8], raw: &RawValue) -> Range<usize> {
    // The offset is the difference of the addresses.
    let start = raw.get().as_ptr() as usize - body.as_ptr() as usize;
    start..start + raw.get().len()
}

/// Reads one member of an object and skips all other members. If the member is repeated, the last one counts.
struct Member<'k, T>(&'k str, PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Member<'_, T> {
    type Value = Option<T>;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with `{}`", self.0)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Text(key)) = map.next_key()? {
            if key.as_deref() == Some(self.0) {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
    // The error message of serde would include the whole string, however long.
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom("it is a string"))
    }
}

/// The entries in a list.
struct Entries<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = Vec<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = seq.next_element()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
            fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
                Err(E::custom("a string where a list is documented"))
            }
        }
        deserializer.deserialize_any(List(PhantomData)).map(Entries)
    }
}

/// Returns why a body cannot be read. Recognizes an HTML page that was returned in place of JSON.
fn reason(body: &[u8], error: &serde_json::Error) -> String {
    if body.trim_ascii_start().starts_with(b"<") {
        "it is an HTML page, so it comes from a proxy or gateway, not from the service".to_owned()
    } else {
        shortened(&error.to_string(), 200)
    }
}

/// Reads the entries in a body that is a list.
///
/// # Errors
/// A description of what is wrong with the body.
pub fn entries<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<Vec<T>, String> {
    let read: Result<Entries<T>, _> = serde_json::from_slice(body);
    read.map(|entries| entries.0)
        .map_err(|error| reason(body, &error))
}

/// Reads one member of an object that is a list.
///
/// # Errors
/// See [`member`].
pub fn list<'a, T: Deserialize<'a>>(body: &'a [u8], name: &str) -> Result<Vec<T>, String> {
    member(body, name).map(|entries: Entries<T>| entries.0)
}

/// Reads one member of an object.
///
/// # Errors
/// A description of what is wrong with the body: not JSON, not an object, no such member or another type.
pub fn member<'a, T: Deserialize<'a>>(body: &'a [u8], name: &str) -> Result<T, String> {
    optional(body, name)?.ok_or_else(|| format!("`{name}` is missing"))
}

/// Reads an optional member of an object.
///
/// # Errors
/// See [`member`]. A missing member is not an error.
pub fn optional<'a, T: Deserialize<'a>>(body: &'a [u8], name: &str) -> Result<Option<T>, String> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let found = Deserializer::deserialize_any(&mut reader, Member(name, PhantomData))
        .map_err(|error| reason(body, &error))?;
    reader.end().map_err(|error| reason(body, &error))?;
    Ok(found)
}

/// Reads the members of an object whose keys are ids, in response order.
///
/// # Errors
/// See [`member`].
pub fn keyed(body: &[u8]) -> Result<Vec<(Cow<'_, str>, &RawValue)>, String> {
    struct Keyed;
    impl<'de> Visitor<'de> for Keyed {
        type Value = Vec<(Cow<'de, str>, &'de RawValue)>;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object keyed by asset id")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((Text(key), value)) = map.next_entry()? {
                members.push((key.unwrap_or_default(), value));
            }
            Ok(members)
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let members = Deserializer::deserialize_map(&mut reader, Keyed).map_err(|error| reason(body, &error))?;
    reader.end().map_err(|error| reason(body, &error))?;
    Ok(members)
}
