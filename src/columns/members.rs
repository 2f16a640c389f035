//! The members of the objects on a page. The service writes all objects in the same way, so the next member can be
//! predicted. The predicted name is compared with the next bytes, and the member is looked up only if they differ.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::scan::{Odd, Scanner, Token};

/// The object whose members become separate columns.
pub(super) const ATTRIBUTES: &str = "customAttributes";

/// Returns the number in a custom attribute's name, `caN`.
pub(super) fn attribute_number(name: &str) -> Option<u64> {
    name.strip_prefix("ca")?.parse().ok()
}

/// Returns the column name for a custom attribute.
pub(super) fn attribute_column(name: &str) -> Arc<str> {
    if attribute_number(name).is_some() {
        name.into()
    } else {
        format!("{ATTRIBUTES}.{name}").into()
    }
}

/// The object that contains a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Row,
    Attributes,
}

/// The maximum number of predictions to try before a member is looked up by name.
const MOST_LEFT_OUT: usize = 5;

/// The predecessor of the first member, per level.
pub(super) const ROW: usize = 0;
pub(super) const ATTRIBUTES_OBJECT: usize = 1;

/// A member of the objects on a page.
#[derive(Debug)]
pub(super) struct Known {
    /// The name with quotes and a colon.
    token: Token,
    pub name: Arc<str>,
    pub level: Level,
    /// The column that contains the member's values.
    pub column: Option<usize>,
    /// The predicted next member. Optional members may come before that member.
    next: usize,
    pub role: Role,
    /// The index of this member among the watched members, if it is one.
    pub watched: Option<usize>,
}

/// How a member is used, apart from supplying values for a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    Id,
    /// A member whose value may contain a misplaced comma. The example of the PATCH assets:batch-patch page
    /// contains `"version": "2,"` and `"isActive": "true,"`.
    Misprinted,
    Attributes,
    /// A member of the row that has the name of a custom attribute.
    Clash,
}

/// The members of the objects on one page.
#[derive(Debug)]
pub(super) struct Members {
    pub known: Vec<Known>,
    rows: HashMap<Box<str>, usize>,
    attributes: HashMap<Box<str>, usize>,
}

impl Members {
    pub fn new() -> Self {
        let begin = |level| Known {
            token: Token::new(""),
            name: ATTRIBUTES.into(),
            level,
            column: None,
            next: ROW,
            role: Role::Plain,
            watched: None,
        };
        Self {
            known: vec![begin(Level::Row), begin(Level::Attributes)],
            rows: HashMap::new(),
            attributes: HashMap::new(),
        }
    }

    /// Reads a member's name and the colon that follows. `last` is the preceding member.
    #[inline]
    pub fn read(
        &mut self,
        scanner: &mut Scanner<'_>,
        level: Level,
        last: usize,
        watched: &[&str],
    ) -> Result<usize, Odd> {
        let mut predicted = self.known[last].next;
        for _ in 0..MOST_LEFT_OUT {
            if predicted == ROW {
                break;
            }
            let known = &self.known[predicted];
            if scanner.take_token(&known.token) {
                scanner.next();
                return Ok(predicted);
            }
            predicted = known.next;
        }
        self.read_name(scanner, level, last, watched)
    }

    fn read_name(
        &mut self,
        scanner: &mut Scanner<'_>,
        level: Level,
        last: usize,
        watched: &[&str],
    ) -> Result<usize, Odd> {
        let name = scanner.key()?;
        let member = self.find(level, name, watched);
        let next = std::mem::replace(&mut self.known[last].next, member);
        // The new member is between two known members.
        if self.known[member].next == ROW && next != member {
            self.known[member].next = next;
        }
        Ok(member)
    }

    fn find(&mut self, level: Level, name: &str, watched: &[&str]) -> usize {
        let by_name = match level {
            Level::Row => &mut self.rows,
            Level::Attributes => &mut self.attributes,
        };
        if let Some(member) = by_name.get(name) {
            return *member;
        }
        let role = match (level, name) {
            (Level::Row, "id") => Role::Id,
            (Level::Row, "version" | "isActive") => Role::Misprinted,
            (Level::Row, ATTRIBUTES) => Role::Attributes,
            (Level::Row, name) if attribute_number(name).is_some() => Role::Clash,
            _ => Role::Plain,
        };
        let watched = match level {
            Level::Row => watched.iter().position(|watched| *watched == name),
            Level::Attributes => None,
        };
        let member = self.known.len();
        by_name.insert(name.into(), member);
        self.known.push(Known {
            token: Token::new(&format!("\"{name}\":")),
            name: name.into(),
            level,
            column: None,
            next: ROW,
            role,
            watched,
        });
        member
    }
}

/// One part of a row, used to reassemble the row.
#[derive(Debug, Clone)]
pub enum Member {
    /// A value with this name, in this column.
    Value(Slot),
    /// The start of the `customAttributes` object. The attributes that follow belong to this object.
    Attributes(Arc<str>),
    Attribute(Slot),
}

impl Member {
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Value(slot) | Self::Attribute(slot) => &slot.name,
            Self::Attributes(name) => name,
        }
    }
}

/// The name of a member, and the column of its values.
#[derive(Debug, Clone)]
pub struct Slot {
    pub name: Arc<str>,
    pub column: usize,
}
