//! Reads the settings of a project with as few requests as possible, and as many concurrent requests as the limits
//! allow.
//!
//! The categories, status sets, custom attributes and locations take one request each, or more if there are
//! more than 200 sets or attributes. The status sets of every 100 active categories take one request. Each
//! active category without subcategories takes one request for its attributes, and its inherited attributes
//! also reveal the attributes of its parents. Parents are read separately only if no response says where an
//! attribute is inherited from.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use crate::api::{Call, Endpoint, settings};
use crate::call::Session;
use crate::error::Error;
use crate::http::Phase;
use crate::ids::ProjectId;
use crate::model::settings::{Attribute, Category, Inheritance, Location, StatusSet};
use crate::model::value;
use crate::settings::{Content, LOCATIONS_UNREAD};

/// The project to read, and how to read it.
#[derive(Clone)]
pub struct Reader {
    pub session: Session,
    pub project: ProjectId,
    /// The container of a BIM 360 project's locations.
    pub locations_container: Option<String>,
}

impl Reader {
    /// Reads all settings.
    ///
    /// # Errors
    /// If the read failed. Unreadable locations are not an error: the content says why they are missing.
    pub async fn read(&self) -> Result<Content, Error> {
        let deleted = [("includeDeleted", "true")];
        let lists = async {
            tokio::join!(
                self.list(&settings::CATEGORIES, &[], None, Category::read),
                self.list(&settings::STATUS_SETS, &deleted, None, StatusSet::read),
                self.list(&settings::CUSTOM_ATTRIBUTES, &deleted, None, Attribute::read),
                self.locations(),
            )
        };
        // Four requests in one future are large.
        let (categories, sets, attributes, locations) = Box::pin(lists).await;
        let mut content = Content {
            project: self.project.to_string(),
            read_at: jiff::Timestamp::now().to_string(),
            categories: categories?,
            status_sets: sets?,
            attributes: attributes?,
            ..Content::default()
        };
        self.add_locations(&mut content, locations)?;
        self.assignments(&mut content).await?;
        content.without_repeats();
        Ok(content)
    }

    /// Reads the locations that an earlier read could not get.
    ///
    /// # Errors
    /// See [`Self::read`].
    pub async fn read_locations(&self, mut content: Content) -> Result<Content, Error> {
        let locations = self.locations().await;
        self.add_locations(&mut content, locations)?;
        Ok(content)
    }

    fn add_locations(&self, content: &mut Content, read: Result<Vec<Location>, Error>) -> Result<(), Error> {
        content.notes.retain(|note| !note.starts_with(LOCATIONS_UNREAD));
        match read {
            Ok(locations) => content.locations = Some(locations),
            // The call was stopped, so this is not a problem with the locations.
            Err(error) if self.session.stop.phase() > Phase::Run => return Err(error),
            // Rows with location ids, or without locations, can still be checked.
            Err(error @ (Error::Service(_) | Error::Unreadable { .. } | Error::Transport(_))) => {
                content.notes.push(format!("{LOCATIONS_UNREAD}: {error}"));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn assignments(&self, content: &mut Content) -> Result<(), Error> {
        let active: Vec<String> = content
            .categories
            .iter()
            .filter(|category| category.active)
            .map(|category| category.id.clone())
            .collect();
        let parents: HashMap<String, String> = content
            .categories
            .iter()
            .filter(|category| category.active)
            .filter_map(|category| Some((category.id.clone(), category.parent.clone()?)))
            .collect();
        let inner: HashSet<&String> = parents.values().collect();
        let mut asked: Vec<Question> = active
            .chunks(settings::MOST_CATEGORIES)
            .map(|ids| Question::StatusSets(ids.to_vec()))
            .collect();
        asked.extend(
            active
                .iter()
                .filter(|id| !inner.contains(id))
                .map(|id| Question::Attributes(id.clone())),
        );
        let mut found: HashMap<String, Vec<Inheritance>> = HashMap::new();
        for response in self.ask(asked).await? {
            match response {
                Reply::StatusSets(rows) => content
                    .category_status_sets
                    .extend(rows.into_iter().filter_map(|row| Some((row.category?, row.id)))),
                Reply::Attributes(category, rows) => drop(found.insert(category, rows)),
            }
        }
        let unclear = unclear(&active, &parents, &inner, &found);
        for response in self
            .ask(unclear.into_iter().map(Question::Attributes).collect())
            .await?
        {
            if let Reply::Attributes(category, rows) = response {
                found.insert(category, rows);
            }
        }
        for category in &active {
            if let Some(rows) = found.remove(category) {
                content.add_attributes(category, rows);
            }
        }
        Ok(())
    }

    /// Sends these requests concurrently.
    async fn ask(&self, asked: Vec<Question>) -> Result<Vec<Reply>, Error> {
        let at_once = self.session.caller.options().max_in_flight;
        let asking = asked.into_iter().map(|asked| self.ask_one(asked));
        stream::iter(asking).buffer_unordered(at_once).try_collect().await
    }

    async fn ask_one(&self, asked: Question) -> Result<Reply, Error> {
        match asked {
            Question::Attributes(category) => {
                let inherited = ("includeInherited", "true");
                let place = Some(("category_id", category.as_str()));
                let (endpoint, read) = (&settings::CATEGORY_ATTRIBUTES, Inheritance::of_attribute);
                let attributes = self.list(endpoint, &[inherited], place, read).await?;
                Ok(Reply::Attributes(category, attributes))
            }
            Question::StatusSets(ids) => self.status_sets(&ids).await.map(Reply::StatusSets),
        }
    }

    async fn status_sets(&self, ids: &[String]) -> Result<Vec<Inheritance>, Error> {
        let project = self.project.to_string();
        let call = self
            .session
            .to(&settings::CATEGORY_STATUS_SETS, &[("project", &project)])?
            .with_query([("includeInherited", "true")])
            .with_body(serde_json::json!({ "ids": ids }).to_string());
        self.rows(call, Inheritance::of_status_set).await
    }

    async fn locations(&self) -> Result<Vec<Location>, Error> {
        match &self.locations_container {
            None => self.list(&settings::LOCATIONS, &[], None, Location::read).await,
            Some(container) => {
                let place = Some(("container", container.as_str()));
                let endpoint = &settings::LOCATIONS_OF_CONTAINER;
                self.list(endpoint, &[], place, Location::read).await
            }
        }
    }

    async fn list<T>(
        &self,
        endpoint: &'static Endpoint,
        query: &[(&str, &str)],
        place: Option<(&str, &str)>,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let project = self.project.to_string();
        let places: Vec<(&str, &str)> = place.into_iter().chain([("project", project.as_str())]).collect();
        let call = self.session.to(endpoint, &places)?;
        self.rows(call.with_query(query.iter().copied()), read).await
    }

    async fn rows<T>(&self, call: Call, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, Error> {
        let rows = self.session.pages(call).rows(|row| read(&value::read(row)?));
        Ok(rows.await?.into_iter().flatten().collect())
    }
}

/// One request for assignments.
enum Question {
    StatusSets(Vec<String>),
    Attributes(String),
}

/// The response to a request for assignments.
enum Reply {
    StatusSets(Vec<Inheritance>),
    Attributes(String, Vec<Inheritance>),
}

/// Returns the parent categories for which it is unclear which attributes are their own.
///
/// Some documentation pages show where an attribute is inherited from, others do not. Without this
/// information, an inherited attribute looks as if it were assigned to each subcategory. A parent is read
/// separately if all of its subcategories have an attribute in common.
fn unclear(
    active: &[String],
    parents: &HashMap<String, String>,
    inner: &HashSet<&String>,
    found: &HashMap<String, Vec<Inheritance>>,
) -> Vec<String> {
    let is_reported = found.values().flatten().any(|row| row.from.is_some());
    if is_reported {
        return Vec::new();
    }
    let mut own: HashMap<&String, Option<HashSet<&str>>> = HashMap::new();
    for (category, rows) in found {
        let claimed: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let above = std::iter::successors(parents.get(category), |parent| parents.get(*parent));
        for above in above.take(64) {
            let all = own.entry(above).or_default();
            match all {
                Some(all) => all.retain(|id| claimed.contains(id)),
                None => *all = Some(claimed.clone()),
            }
        }
    }
    active
        .iter()
        .filter(|id| inner.contains(id))
        .filter(|id| {
            own.get(id)
                .and_then(Option::as_ref)
                .is_none_or(|all| !all.is_empty())
        })
        .cloned()
        .collect()
}
