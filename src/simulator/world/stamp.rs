//! Who created, changed and deleted a record, and when.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

/// Formats a time the way the services do.
#[must_use]
pub fn timestamp(millis: Millis) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| String::new(), |instant| format!("{instant:.3}"))
}

/// Who created, last changed and deleted a record, and when.
#[derive(Debug, Clone)]
pub struct Stamp {
    pub created_at: Millis,
    pub created_by: Arc<str>,
    pub updated_at: Millis,
    pub updated_by: Arc<str>,
    pub deleted: Option<(Millis, Arc<str>)>,
    pub version: u64,
}

impl Stamp {
    /// Creates the stamp of a record created now by this user.
    #[must_use]
    pub fn new(now: Millis, user: &Arc<str>, version: u64) -> Self {
        Self {
            created_at: now,
            created_by: Arc::clone(user),
            updated_at: now,
            updated_by: Arc::clone(user),
            deleted: None,
            version,
        }
    }

    /// Returns whether the record is not deleted.
    #[must_use]
    pub fn active(&self) -> bool {
        self.deleted.is_none()
    }

    /// Records a change made now by this user.
    pub fn change(&mut self, now: Millis, user: &Arc<str>, version: u64) {
        self.updated_at = now;
        self.updated_by = Arc::clone(user);
        self.version = version;
    }

    /// Records a deletion made now by this user.
    pub fn delete(&mut self, now: Millis, user: &Arc<str>, version: u64) {
        self.change(now, user, version);
        self.deleted = Some((now, Arc::clone(user)));
    }

    pub fn fields(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("createdAt".into(), timestamp(self.created_at).into());
        map.insert("createdBy".into(), self.created_by.as_ref().into());
        map.insert("updatedAt".into(), timestamp(self.updated_at).into());
        map.insert("updatedBy".into(), self.updated_by.as_ref().into());
        if let Some((at, by)) = &self.deleted {
            map.insert("deletedAt".into(), timestamp(*at).into());
            map.insert("deletedBy".into(), by.as_ref().into());
        }
        map.insert("isActive".into(), self.active().into());
        map
    }
}

pub fn merged(mut head: Value, stamp: &Stamp, project: Option<Uuid>) -> Value {
    if let Value::Object(map) = &mut head {
        map.append(&mut stamp.fields());
        if let Some(project) = project {
            map.insert("version".into(), stamp.version.into());
            map.insert("projectId".into(), project.to_string().into());
        }
    }
    head
}
