//! JSON from services, proxies and accidents: any token, duplicate keys, and damaged responses.

use std::fmt;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use crate::recorded::load;

/// Raw JSON, with possible duplicate keys and unusual tokens.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// A token as written, such as a string with its quotes, a number or `null`. May also be a whole value.
    Raw(String),
    Array(Vec<Json>),
    /// Keys with their quotes.
    Object(Vec<(String, Json)>),
}

impl fmt::Display for Json {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw(token) => text.write_str(token),
            Self::Array(items) => {
                text.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(text, "{}{item}", if at == 0 { "" } else { "," })?;
                }
                text.write_str("]")
            }
            Self::Object(members) => {
                text.write_str("{")?;
                for (at, (key, value)) in members.iter().enumerate() {
                    write!(text, "{}{key}:{value}", if at == 0 { "" } else { "," })?;
                }
                text.write_str("}")
            }
        }
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(key, value)| (quoted(key), Self::from(value)))
                    .collect(),
            ),
            token => Self::Raw(token.to_string()),
        }
    }
}

/// Formats a string as JSON.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Json {
    pub fn text(text: &str) -> Self {
        Self::Raw(quoted(text))
    }

    pub fn object<'k>(members: impl IntoIterator<Item = (&'k str, Self)>) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(key, value)| (quoted(key), value))
                .collect(),
        )
    }

    /// All members with this name.
    pub fn members<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s Self> {
        let members = match self {
            Self::Object(members) => &members[..],
            _ => &[],
        };
        members
            .iter()
            .filter(move |(key, _)| serde_json::from_str::<String>(key).is_ok_and(|key| key == name))
            .map(|(_, value)| value)
    }

    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// Whether this is a string or number with this text.
    pub fn reads(&self, text: &str) -> bool {
        let Self::Raw(token) = self else { return false };
        match token.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<String>(token).is_ok_and(|read| read == text),
            Some(b'-' | b'0'..=b'9') => {
                // 42.0 may be read as 42. A number out of the range of a float is exact only as written.
                let same = || Some(token.parse::<f64>().ok()?.total_cmp(&text.parse().ok()?).is_eq());
                token == text || token.contains(['.', 'e', 'E']) && same().unwrap_or(false)
            }
            _ => false,
        }
    }

    fn nodes(&self) -> usize {
        1 + match self {
            Self::Raw(_) => 0,
            Self::Array(items) => items.iter().map(Self::nodes).sum(),
            Self::Object(members) => members.iter().map(|(_, value)| value.nodes()).sum(),
        }
    }

    /// The n-th value, itself first.
    fn node(&mut self, left: &mut usize) -> Option<&mut Self> {
        if *left == 0 {
            return Some(self);
        }
        *left -= 1;
        match self {
            Self::Raw(_) => None,
            Self::Array(items) => items.iter_mut().find_map(|item| item.node(left)),
            Self::Object(members) => members.iter_mut().find_map(|(_, value)| value.node(left)),
        }
    }

    /// Changes one value somewhere inside.
    pub fn bend(&mut self, at: Index, bend: Bend) {
        let mut left = at.index(self.nodes());
        let Some(node) = self.node(&mut left) else { return };
        match (bend, node) {
            (Bend::Drop(at), Self::Array(items)) if !items.is_empty() => {
                items.remove(at.index(items.len()));
            }
            (Bend::Drop(at), Self::Object(members)) if !members.is_empty() => {
                members.remove(at.index(members.len()));
            }
            (Bend::Double(at), Self::Array(items)) if !items.is_empty() => {
                items.push(items[at.index(items.len())].clone());
            }
            (Bend::Double(at), Self::Object(members)) if !members.is_empty() => {
                let (key, _) = members[at.index(members.len())].clone();
                let (_, value) = members[0].clone();
                members.push((key, value));
            }
            (Bend::Swap(one, other), Self::Array(items)) if !items.is_empty() => {
                let (one, other) = (one.index(items.len()), other.index(items.len()));
                items.swap(one, other);
            }
            (Bend::Swap(one, other), Self::Object(members)) if !members.is_empty() => {
                let (one, other) = (one.index(members.len()), other.index(members.len()));
                let value = members[one].1.clone();
                members[one].1 = std::mem::replace(&mut members[other].1, value);
            }
            (Bend::Put(value), node) => *node = value,
            (_, node) => *node = Self::Raw("null".to_owned()),
        }
    }
}

/// Changes to a value of a response.
#[derive(Debug, Clone)]
pub enum Bend {
    Drop(Index),
    Double(Index),
    Swap(Index, Index),
    Put(Json),
}

/// Changes to the bytes of a response.
#[derive(Debug, Clone)]
enum Damage {
    Cut,
    Byte(u8),
    Insert(&'static [u8]),
    Double(Index),
}

/// Valid JSON tokens that are hard to read.
pub fn odd() -> impl Strategy<Value = Json> + Clone {
    static DEEP: LazyLock<[String; 3]> = LazyLock::new(|| {
        [
            format!("{}{}", "[".repeat(200), "]".repeat(200)),
            format!("{}1{}", "{\"results\":".repeat(150), "}".repeat(150)),
            format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)),
        ]
    });
    prop_oneof![
        20 => select(vec![
            "1e999", "-1e999", "1e-999", "-0", "-0.0", "42.0", "4.2e1", "18446744073709551615",
            "123456789012345678901234567890", "0.1000000000000000055511151231257827",
            r#""\ud83d""#, r#""a\udc00b""#, r#""\ud83d\ud83d""#, r#""\u0041""#, r#""\u0000""#, r#""""#,
            r#"{"\ud83d":1,"\ud83e":2}"#, r#"{"id":1,"id":2}"#, r#"["\ud83d",1]"#, "{}", "[]", "null",
        ])
        .prop_map(|token| Json::Raw(token.to_owned())),
        2 => (0..2_usize).prop_map(|at| Json::Raw(DEEP[at].clone())),
        1 => Just(Json::Raw("deepest".to_owned())).prop_map(|_| Json::Raw(DEEP[2].clone())),
    ]
}

/// Any value.
pub fn value() -> BoxedStrategy<Json> {
    const NAMES: [&str; 30] = [
        "results",
        "deleted",
        "errors",
        "violations",
        "errorMetadata",
        "metadata",
        "details",
        "fault",
        "faultstring",
        "detail",
        "index",
        "field",
        "code",
        "errorCode",
        "message",
        "id",
        "assetId",
        "clientAssetId",
        "categoryId",
        "barcode",
        "version",
        "isActive",
        "customAttributes",
        "ca1",
        "ca02",
        "createdAt",
        "pagination",
        "cursorState",
        "nextUrl",
        "value",
    ];
    let leaf = prop_oneof![
        select(vec![
            "null",
            "true",
            "false",
            "0",
            "3",
            "-1",
            "6.5",
            "\"6.5\"",
            "\"A\"",
            "\"B\"",
            "\"42\"",
            "42",
            "\"[3].x\"",
            "\"2,\"",
            "\"true,\"",
            "\"2020-05-01T06:00:00.000Z\"",
            "\"nan\"",
        ])
        .prop_map(|token| Json::Raw(token.to_owned())),
        any::<i64>().prop_map(|number| Json::Raw(number.to_string())),
        any::<f64>().prop_map(|number| Json::from(&Value::from(number))),
        ".{0,8}".prop_map(|text| Json::text(&text)),
        id().prop_map(|id| Json::text(&id)),
        odd(),
    ];
    let name = prop_oneof![
        8 => select(NAMES.to_vec()).prop_map(quoted),
        1 => ".{0,3}".prop_map(|text| quoted(&text)),
        1 => select(vec![r#""\u0069d""#, r#""\ud83d""#, r#""""#]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 30, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(Json::Object),
        ]
    })
    .boxed()
}

/// One of a few ids in upper or lower case, so that they collide.
pub fn id() -> impl Strategy<Value = String> {
    (0..6_u8, any::<bool>()).prop_map(|(number, upper)| {
        let id = format!("abcdef0{number}-0000-4000-8000-00000000000{number}");
        if upper { id.to_uppercase() } else { id }
    })
}

pub fn bends(most: usize) -> impl Strategy<Value = Vec<(Index, Bend)>> {
    let bend = prop_oneof![
        any::<Index>().prop_map(Bend::Drop),
        any::<Index>().prop_map(Bend::Double),
        any::<(Index, Index)>().prop_map(|(one, other)| Bend::Swap(one, other)),
        value().prop_map(Bend::Put),
    ];
    prop::collection::vec((any::<Index>(), bend), 0..=most)
}

pub fn bent(mut json: Json, bends: Vec<(Index, Bend)>) -> Json {
    for (at, bend) in bends {
        json.bend(at, bend);
    }
    json
}

/// A response of a reference page, changed or not.
pub fn answer() -> impl Strategy<Value = Json> {
    static REAL: LazyLock<Vec<Json>> = LazyLock::new(|| {
        [
            "assets-page",
            "batch-create",
            "batch-get",
            "batch-patch",
            "categories",
            "categories-bare-pagination",
            "custom-attributes-page-1",
            "gateway-401",
            "gateway-403",
            "rate-limited-429",
            "relationships-delete",
            "relationships-delete-400",
            "relationships-put-409",
            "relationships-search-page-1",
            "status-sets",
        ]
        .map(|name| Json::from(&load(name)["answer"]["body"]))
        .to_vec()
    });
    ((0..REAL.len()), bends(4)).prop_map(|(at, bends)| bent(REAL[at].clone(), bends))
}

/// A body: a changed response, any JSON, either of them damaged, or any bytes.
pub fn body() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![
        Just(Damage::Cut),
        any::<u8>().prop_map(Damage::Byte),
        select(vec![
            &b"\xff"[..],
            b"\xed\xa0\x80",
            b"\\ud800",
            b"\\",
            b"\"",
            b"\0",
            b"{",
            b"]",
            b",",
            b"\xef\xbb\xbf",
            b"1e999",
            b"<html>",
        ])
        .prop_map(Damage::Insert),
        any::<Index>().prop_map(Damage::Double),
    ];
    let damages = prop::collection::vec((any::<Index>(), damage), 0..3);
    let json = prop_oneof![3 => answer().boxed(), 1 => value()];
    let broken = (json, damages).prop_map(|(json, damages)| {
        let mut body = json.to_string().into_bytes();
        for (at, damage) in damages {
            let at = at.index(body.len() + 1);
            match damage {
                Damage::Cut => body.truncate(at),
                Damage::Byte(byte) => body.splice(at..(at + 1).min(body.len()), [byte]).for_each(drop),
                Damage::Insert(bytes) => body.splice(at..at, bytes.iter().copied()).for_each(drop),
                Damage::Double(to) => {
                    let piece = body[at..at + to.index(body.len() - at + 1)].to_vec();
                    body.splice(at..at, piece).for_each(drop);
                }
            }
        }
        body
    });
    prop_oneof![
        9 => broken,
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}
