//! Reads the fields of assets and relationships that identify rows. All other fields stay raw.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::model::scan::{Odd, Scanner};
use crate::model::text::Text;

pub(crate) use super::body::range_in;
pub use super::body::{entries, keyed, list, member, optional};

/// The two asset fields that identify a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    pub id: Option<Cow<'a, str>>,
    pub client_asset_id: Option<Cow<'a, str>>,
}

/// One entry in a list of assets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    pub identity: Identity<'a>,
    /// The range of the entry in the body.
    pub range: Range<usize>,
}

/// Reads the identities of the assets in a list. The list is the member `name` of an object.
///
/// # Errors
/// See [`member`].
pub fn identities<'a>(body: &'a [u8], name: &str) -> Result<Vec<Entry<'a>>, String> {
    if let Ok(found) = std::str::from_utf8(body)
        .map_err(|_| Odd)
        .and_then(|text| scanned(text, name))
    {
        return Ok(found);
    }
    let raw: Vec<&RawValue> = list(body, name)?;
    let entry = |raw| Entry {
        identity: identity(raw),
        range: range_in(body, raw),
    };
    Ok(raw.into_iter().map(entry).collect())
}

/// Reads the identities in one pass with the fast scanner.
fn scanned<'a>(body: &'a str, name: &str) -> Result<Vec<Entry<'a>>, Odd> {
    let scanner = &mut Scanner::new(body);
    let mut found = None;
    scanner.object(|scanner, key| {
        if key != name {
            scanner.skip(1)?;
            return Ok(());
        }
        if scanner.peek() != b'[' || found.is_some() {
            return Err(Odd);
        }
        let (mut entries, mut skipped) = (Vec::new(), SkippedMembers::default());
        scanner.items(b']', |scanner| {
            let start = scanner.at;
            let identity = scanned_identity(scanner, &mut skipped)?;
            let range = start..scanner.at;
            entries.push(Entry { identity, range });
            Ok(false)
        })?;
        found = Some(entries);
        Ok(())
    })?;
    found.filter(|_| scanner.is_at_end()).ok_or(Odd)
}

/// The raw text of the members of an entry that are not read: before, between and after the two members read.
#[derive(Default)]
struct SkippedMembers<'a>([&'a str; 3]);

/// Reads the identity of an entry. Entries in a list are similar, so skipped members are first compared with
/// those of the previous entry, and scanned only if they differ.
fn scanned_identity<'a>(
    scanner: &mut Scanner<'a>,
    skipped: &mut SkippedMembers<'a>,
) -> Result<Identity<'a>, Odd> {
    let mut identity = Identity::default();
    if scanner.peek() != b'{' {
        scanner.skip(1)?;
        return Ok(identity);
    }
    if !scanner.begin(b'}') {
        return Ok(identity);
    }
    // The number of members read, and the start of the skipped members after them.
    let (mut read, mut start) = (0, scanner.at);
    loop {
        if start == scanner.at
            && let Some(same) = skipped.0.get(read)
        {
            scanner.take(same.as_bytes());
        }
        let field = match scanner.key()? {
            "id" => Some(&mut identity.id),
            "clientAssetId" => Some(&mut identity.client_asset_id),
            _ => None,
        };
        let (is_read, value) = (field.is_some(), scanner.at);
        scanner.skip(1)?;
        if let Some(field) = field {
            *field = Text::of(scanner.since(value)).0;
        }
        if !scanner.goes_on(b'}')? {
            return Ok(identity);
        }
        if is_read {
            (read, start) = (read + 1, scanner.at);
        } else if let Some(skipped) = skipped.0.get_mut(read) {
            *skipped = scanner.since(start);
        }
    }
}

/// Returns the identity of a raw asset. The identity is empty if the entry is not an object, because one
/// invalid entry must not prevent reading the other entries.
#[must_use]
pub fn identity(raw: &RawValue) -> Identity<'_> {
    struct Fields;
    impl<'de> Visitor<'de> for Fields {
        type Value = Identity<'de>;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an asset")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut identity = Identity::default();
            while let Some(Text(key)) = map.next_key()? {
                match key.as_deref() {
                    Some("id") => identity.id = map.next_value::<Text<'_>>()?.0,
                    Some("clientAssetId") => identity.client_asset_id = map.next_value::<Text<'_>>()?.0,
                    _ => {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok(identity)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    Deserializer::deserialize_map(&mut reader, Fields).unwrap_or_default()
}

/// Reads the id of a raw entry. Also reads the members `names` into `found`, in the order of `names`. Returns
/// `None` if the entry is not an object or has no id.
#[must_use]
pub fn members<'a>(
    raw: &'a RawValue,
    names: &[&str],
    found: &mut Vec<Option<&'a RawValue>>,
) -> Option<Cow<'a, str>> {
    struct Members<'n, 'f, 'a>(&'n [&'n str], &'f mut Vec<Option<&'a RawValue>>);
    impl<'de> Visitor<'de> for Members<'_, '_, 'de> {
        type Value = Option<Cow<'de, str>>;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an entry of a list")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut id = None;
            while let Some(Text(key)) = map.next_key()? {
                let key = key.as_deref();
                if key == Some("id") {
                    id = map.next_value::<Text<'_>>()?.0;
                } else if let Some(at) = self.0.iter().position(|name| Some(*name) == key) {
                    self.1[at] = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(id)
        }
    }
    found.clear();
    found.resize(names.len(), None);
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    Deserializer::deserialize_map(&mut reader, Members(names, found)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_entries_do_not_hide_their_neighbors() {
        let body = br#"{"x":1,"results":[{"id":"a","clientAssetId":"P"},null,7,"t",[1],{"id":5,"id":6,"version":"2,"}]}"#;
        let read = identities(body, "results").unwrap();
        assert_eq!(read.len(), 6);
        assert_eq!(read[0].identity.id.as_deref(), Some("a"));
        assert_eq!(read[5].identity.id.as_deref(), Some("6"));
        assert_eq!(read[1].identity, Identity::default());
        assert_eq!(&body[read[4].range.clone()], b"[1]");
    }

    /// Uses entries that differ slightly, because the reader relies on similar entries.
    #[test]
    fn entries_are_read_in_one_pass_as_by_serde() {
        const MEMBERS: [&str; 12] = [
            r#""id":"1""#,
            r#""id" : 7"#,
            r#""\u0069d":"e""#,
            r#""clientAssetId":"A""#,
            r#""clientAssetId":"\u00fc\"""#,
            r#""clientAssetId":null"#,
            r#""x":{"id":"no","y":{}}"#,
            r#""x": [1,-2.5e3]"#,
            r#""version":1"#,
            "\"version\":\n1",
            r#""createdAt":"t\n""#,
            r#""isActive":true"#,
        ];
        let mut random = fastrand::Rng::with_seed(1);
        let mut read = 0;
        for _ in 0..4000 {
            let mut members: Vec<&str> = Vec::new();
            let mut results: Vec<String> = Vec::new();
            for _ in 0..random.usize(1..6) {
                match random.usize(..4) {
                    0 => {
                        members = (0..random.usize(..7))
                            .map(|_| MEMBERS[random.usize(..12)])
                            .collect();
                    }
                    1 => members.extend(random.choice(MEMBERS)),
                    2 => drop(members.pop()),
                    _ => {}
                }
                let comma = random.choice([",", " , "]).unwrap();
                results.push(format!("{{{}}}", members.join(comma)));
            }
            let mut body = format!(r#"{{"results":[{}],"more":0}}"#, results.join(",")).into_bytes();
            if random.bool() {
                body.remove(random.usize(..body.len()));
            }
            let by_serde: Result<Vec<&RawValue>, String> = list(&body, "results");
            let by_serde = by_serde.map(|raw| {
                let entry = |raw| (identity(raw), range_in(&body, raw));
                raw.into_iter().map(entry).collect::<Vec<_>>()
            });
            let text = std::str::from_utf8(&body).unwrap_or_default();
            read += usize::from(scanned(text, "results").is_ok());
            let found = identities(&body, "results").map(|entries| {
                let parts = entries.into_iter().map(|entry| (entry.identity, entry.range));
                parts.collect::<Vec<_>>()
            });
            assert_eq!(found, by_serde, "{text}");
        }
        assert!(read > 1000, "{read}");
    }

    #[test]
    fn numbers_are_read_as_their_text() {
        let body = br#"{"results":[{"id":123456789012345678901234567890,"clientAssetId":42.0},
            {"id":6.5,"clientAssetId":1e999},{"id":"half \ud83d","clientAssetId":"a\"b"}]}"#;
        let read = identities(body, "results").unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|Entry { identity, .. }| (identity.id.as_deref(), identity.client_asset_id.as_deref()))
            .collect();
        let expected = [
            (Some("123456789012345678901234567890"), Some("42")),
            (Some("6.5"), Some("1e999")),
            (None, Some("a\"b")),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn unreadable_bodies_have_a_reason() {
        for (body, says) in [
            (&b" <html>"[..], "HTML page"),
            (b"", "EOF"),
            (b"[]", "an object with `results`"),
            (b"{}", "`results` is missing"),
            (b"{\"results\":{}}", "expected a list"),
            (b"{\"results\":[]} trailing", "trailing"),
        ] {
            let error = identities(body, "results").unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
