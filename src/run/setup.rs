//! Carries out the setup plan of a project. Dependent steps are sent in order, and independent steps concurrently, up
//! to the limit of requests in flight.
//!
//! There is no idempotency key, so a create with a lost response is retried only after a lookup. A lookup is reliable,
//! since names are unique ("Assets field guide"): status sets and custom attributes in the project, status labels in
//! their set, and categories in their parent.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::api::settings as endpoints;
use crate::api::{Call, Endpoint};
use crate::call::Session;
use crate::error::Error;
use crate::http::refusal::request_id;
use crate::http::{Phase, Response, Stage, scope, untold};
use crate::ids::ProjectId;
use crate::model::settings::{Attribute, Category, Status as Known, StatusSet};
use crate::model::value;
use crate::settings::names::folded;
use crate::settings::setup::{Action, ObjectId, Plan, Step, Work};

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Created,
    Assigned,
    /// A select attribute got more options.
    Extended,
    /// The object already existed, or another user created it in the meantime.
    Exists,
    /// The object already existed, but differs from the description.
    Differs,
    /// The service rejected the step, or the step could not be executed.
    Failed,
    NotSent,
    /// The step may have been executed: its response was lost, and no lookup could determine the outcome.
    Unknown,
}

impl Status {
    /// Returns the name shown to users.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Assigned => "assigned",
            Self::Extended => "extended",
            Self::Exists => "exists",
            Self::Differs => "differs",
            Self::Failed => "failed",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}

/// The outcome of a step, with its details.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub status: Status,
    /// The reason, if the step failed, was not sent or has an unknown outcome, or if the object differs from
    /// the description.
    pub error: Option<String>,
    /// The request id assigned by the service.
    pub request_id: Option<String>,
    /// The id of the created or existing object.
    pub id: Option<String>,
    /// Whether all further steps would fail because there is no usable token, or because the token or its
    /// user lacks permission.
    ends: bool,
}

impl Outcome {
    fn new(status: Status, error: Option<String>) -> Self {
        Self {
            status,
            error,
            request_id: None,
            id: None,
            ends: false,
        }
    }

    fn not_sent(reason: impl Into<String>) -> Self {
        Self::new(Status::NotSent, Some(reason.into()))
    }

    fn of(status: Status, error: &Error) -> Self {
        Self {
            request_id: error.request_id().map(str::to_owned),
            ends: match error {
                Error::Auth(_) => true,
                Error::Service(refusal) => matches!(refusal.status, 401 | 403),
                _ => false,
            },
            ..Self::new(status, Some(error.to_string()))
        }
    }

    fn with(self, id: String) -> Self {
        Self { id: Some(id), ..self }
    }
}

const STOPPED: &str = "the call was stopped before";

/// The maximum number of attempts to send an assignment, or the options of an attribute, if responses are unreadable.
const READS: u32 = 3;

/// The target project of a setup.
#[derive(Clone)]
pub struct Writer {
    pub session: Session,
    pub project: ProjectId,
}

impl Writer {
    /// Carries out a plan. Returns one outcome per step.
    pub async fn apply(&self, plan: &Plan) -> Vec<Outcome> {
        let mut done: Vec<Option<Outcome>> = plan.steps.iter().map(without_work).collect();
        let mut waiting: BTreeSet<usize> = (0..done.len()).filter(|step| done[*step].is_none()).collect();
        let mut under_way: JoinSet<(usize, Outcome)> = JoinSet::new();
        let mut ended: Option<String> = None;
        loop {
            let mut started = Vec::new();
            for number in &waiting {
                let step = &plan.steps[*number];
                let ready = match ready(plan, step, &done) {
                    Ready::Not => continue,
                    _ if self.session.stop.phase() != Phase::Run => Err(STOPPED.to_owned()),
                    _ if ended.is_some() => Err(ended.clone().unwrap_or_default()),
                    Ready::Never(reason) => Err(reason),
                    Ready::Now(sent) => Ok(sent),
                };
                match ready {
                    Err(reason) => done[*number] = Some(Outcome::not_sent(reason)),
                    Ok(sent) if under_way.len() < self.session.caller.options().max_in_flight => {
                        let (writer, number) = (self.clone(), *number);
                        under_way.spawn(scope::inherit(async move { (number, writer.send(*sent).await) }));
                    }
                    Ok(_) => continue,
                }
                started.push(*number);
            }
            for number in started {
                waiting.remove(&number);
            }
            match under_way.join_next().await {
                None => break,
                Some(Ok((number, outcome))) => {
                    if outcome.ends {
                        let name = &plan.steps[number].name;
                        ended.get_or_insert(format!(
                            "`{name}` was rejected for a reason that applies to \
                            all steps"
                        ));
                    }
                    done[number] = Some(outcome);
                }
                // Tasks are never canceled here, so a failed task has panicked. Propagate the panic.
                Some(Err(error)) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => break,
                },
            }
        }
        done.into_iter()
            .map(|outcome| outcome.unwrap_or_else(|| Outcome::not_sent(STOPPED)))
            .collect()
    }

    /// Sends one step, unless the call is stopped.
    async fn send(&self, sent: Sent) -> Outcome {
        let left = AtomicBool::new(false);
        tokio::select! {
            biased;
            outcome = async {
                match &sent.what {
                    What::Create(made) => self.create(&sent, made, &left).await,
                    What::Assign => self.assign(&sent, &left).await,
                    What::Extend(attribute, options) => self.extend(&sent, attribute, options, &left).await,
                }
            } => outcome,
            () = self.session.stop.reached(Phase::Now) => {
                if left.load(Ordering::Relaxed) {
                    let reason = "the call was stopped before the response arrived".to_owned();
                    Outcome::new(Status::Unknown, Some(reason))
                } else {
                    Outcome::not_sent(STOPPED)
                }
            }
        }
    }

    fn call(&self, sent: &Sent) -> Result<Call, Error> {
        let project = self.project.to_string();
        let ids = sent.ids.iter().map(|(place, id)| (*place, id.as_str()));
        let places: Vec<(&str, &str)> = ids.chain([("project", project.as_str())]).collect();
        let call = self.session.to(sent.endpoint, &places)?.with_query(sent.query);
        Ok(match &sent.body {
            Some(body) => call.with_body(body.to_string()),
            None => call,
        })
    }

    /// Creates an object. If the response is lost, the request is resent once, and only if a lookup does not
    /// find the object.
    async fn create(&self, sent: &Sent, made: &Made, left: &AtomicBool) -> Outcome {
        let call = match self.call(sent) {
            Ok(call) => call,
            Err(error) => return Outcome::of(Status::NotSent, &error),
        };
        let at = |stage| {
            left.store(stage == Stage::Leaving, Ordering::Relaxed);
            untold(stage)
        };
        let mut again = false;
        loop {
            let called = self.session.call(&call, &at, &Ok).await;
            let error = match called.result {
                Ok(response) => match made.read(&response) {
                    Some(id) => return created(id, request_id(&response)),
                    None => unlike(sent, &response),
                },
                Err(error) if called.in_doubt => error,
                Err(_) if called.stopped => return Outcome::not_sent(STOPPED),
                Err(error) => return self.refused(made, &error).await,
            };
            let doubt = Outcome::of(Status::Unknown, &error);
            match self.settle(made).await {
                Ok(Some(id)) => return created(id, doubt.request_id),
                Ok(None) if again => {
                    let reason = format!("{error}; sent twice, but the project does not contain it");
                    return Outcome {
                        error: Some(reason),
                        ..Outcome::of(Status::Failed, &error)
                    };
                }
                Ok(None) => {
                    again = true;
                    left.store(false, Ordering::Relaxed);
                }
                Err(why) => {
                    return Outcome {
                        error: Some(format!(
                            "{error}; it may have been created, but the lookup failed: {why}; call \
                                plan_setup() again to check"
                        )),
                        ..doubt
                    };
                }
            }
        }
    }

    /// Looks up an object after a lost response: immediately and, if the object is not found, again after the
    /// settle time.
    async fn settle(&self, made: &Made) -> Result<Option<String>, String> {
        let found = self.look(made).await.map_err(|error| error.to_string())?;
        if found.is_some() {
            return Ok(found);
        }
        tokio::select! {
            () = self.session.stop.reached(Phase::Drain) => return Err(STOPPED.to_owned()),
            () = tokio::time::sleep(self.session.caller.options().retry.settle) => {}
        }
        self.look(made).await.map_err(|error| error.to_string())
    }

    /// Handles a rejection. If the name is taken and a lookup finds the existing object, the outcome has the
    /// id of that object.
    async fn refused(&self, made: &Made, error: &Error) -> Outcome {
        let failed = Outcome::of(Status::Failed, error);
        let Error::Service(refusal) = error else {
            return failed;
        };
        let duplicate = |code: &Option<String>| {
            code.as_ref()
                .is_some_and(|code| code.to_uppercase().contains("DUPLICATE"))
        };
        let codes = refusal.violations.iter().map(|violation| &violation.code);
        if refusal.status != 409 && !std::iter::once(&refusal.code).chain(codes).any(duplicate) {
            return failed;
        }
        match self.look(made).await {
            Ok(Some(id)) => Outcome {
                request_id: failed.request_id,
                ..Outcome::new(Status::Exists, None).with(id)
            },
            _ => failed,
        }
    }

    /// Looks up the id of an object by name.
    async fn look(&self, made: &Made) -> Result<Option<String>, Error> {
        let project = self.project.to_string();
        let call = self.session.to(made.list(), &[("project", &project)])?;
        let entries = self.session.pages(call).rows(value::read).await?;
        Ok(made.find(entries.into_iter().flatten()))
    }

    /// Sends an assignment, which is idempotent.
    async fn assign(&self, sent: &Sent, left: &AtomicBool) -> Outcome {
        let call = match self.call(sent) {
            Ok(call) => call,
            Err(error) => return Outcome::of(Status::NotSent, &error),
        };
        let at = |stage| {
            left.store(stage == Stage::Leaving, Ordering::Relaxed);
            untold(stage)
        };
        let mut tries = 1;
        loop {
            let called = self.session.call(&call, &at, &Ok).await;
            match called.result {
                Ok(response) => {
                    let body = std::str::from_utf8(&response.body).ok().and_then(value::read);
                    if body.is_some_and(|body| body.is_object()) {
                        return Outcome {
                            request_id: request_id(&response),
                            ..Outcome::new(Status::Assigned, None)
                        };
                    }
                    if tries >= READS || self.session.stop.phase() != Phase::Run {
                        return Outcome::of(Status::Unknown, &unlike(sent, &response));
                    }
                    tries += 1;
                }
                Err(error) if called.in_doubt => return Outcome::of(Status::Unknown, &error),
                Err(_) if called.stopped => return Outcome::not_sent(STOPPED),
                Err(error) => return Outcome::of(Status::Failed, &error),
            }
            tokio::time::sleep(self.session.caller.options().retry.base).await;
        }
    }

    /// Adds options to a select attribute. The attribute is read just before each request, which has all of its options, so
    /// that none is removed.
    async fn extend(&self, sent: &Sent, attribute: &str, options: &[String], left: &AtomicBool) -> Outcome {
        let at = |stage| {
            left.store(stage == Stage::Leaving, Ordering::Relaxed);
            untold(stage)
        };
        // The last request without a response, if any.
        let mut doubt: Option<Outcome> = None;
        for attempt in 0..=READS {
            let known = match self.attribute(attribute).await {
                Ok(Some(known)) => known,
                Ok(None) => {
                    let reason = "the attribute is no longer active in the project".to_owned();
                    return doubt.unwrap_or_else(|| Outcome::new(Status::Failed, Some(reason)));
                }
                Err(error) => return doubt.unwrap_or_else(|| Outcome::of(Status::NotSent, &error)),
            };
            if has_options(&known, options) {
                return match doubt {
                    Some(doubt) => Outcome {
                        request_id: doubt.request_id,
                        ..Outcome::new(Status::Extended, None)
                    },
                    None => Outcome::new(Status::Exists, None),
                };
            }
            // The last read only shows whether a request without a response was executed.
            if attempt == READS {
                break;
            }
            let call = match self.call(sent) {
                Ok(call) => call.with_body(json!({"enumValues": all_options(&known, options)}).to_string()),
                Err(error) => return Outcome::of(Status::NotSent, &error),
            };
            let called = self.session.call(&call, &at, &Ok).await;
            match called.result {
                Ok(response) => {
                    let body = std::str::from_utf8(&response.body).ok().and_then(value::read);
                    let now = body.as_ref().and_then(Attribute::read);
                    if now.is_some_and(|now| has_options(&now, options)) {
                        return Outcome {
                            request_id: request_id(&response),
                            ..Outcome::new(Status::Extended, None)
                        };
                    }
                    doubt = Some(Outcome::of(Status::Unknown, &unlike(sent, &response)));
                }
                Err(error) if called.in_doubt => doubt = Some(Outcome::of(Status::Unknown, &error)),
                Err(_) if called.stopped => {
                    return doubt.unwrap_or_else(|| Outcome::not_sent(STOPPED));
                }
                Err(error) => return doubt.unwrap_or_else(|| Outcome::of(Status::Failed, &error)),
            }
            tokio::select! {
                () = self.session.stop.reached(Phase::Drain) => break,
                () = tokio::time::sleep(self.session.caller.options().retry.base) => {}
            }
        }
        doubt.unwrap_or_else(|| Outcome::not_sent(STOPPED))
    }

    /// Reads an active custom attribute.
    async fn attribute(&self, id: &str) -> Result<Option<Attribute>, Error> {
        let project = self.project.to_string();
        let call = self
            .session
            .to(&endpoints::CUSTOM_ATTRIBUTES, &[("project", &project)])?;
        let entries = self.session.pages(call).rows(value::read).await?;
        let mut attributes = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Attribute::read(&entry));
        Ok(attributes.find(|attribute| attribute.active && attribute.id.eq_ignore_ascii_case(id)))
    }
}

fn has_options(attribute: &Attribute, options: &[String]) -> bool {
    let active = attribute.choices.iter().filter(|choice| choice.active);
    let known: BTreeSet<String> = active.map(|choice| folded(&choice.label)).collect();
    options.iter().all(|option| known.contains(&folded(option)))
}

/// Returns the active options of an attribute, in their order, followed by those that it does not have.
fn all_options<'o>(attribute: &'o Attribute, options: &'o [String]) -> Vec<&'o str> {
    let active = attribute.choices.iter().filter(|choice| choice.active);
    let mut all: Vec<&str> = active.map(|choice| choice.label.as_str()).collect();
    for option in options {
        if all.iter().all(|known| folded(known) != folded(option)) {
            all.push(option);
        }
    }
    all
}

fn created(id: String, request_id: Option<String>) -> Outcome {
    Outcome {
        request_id,
        ..Outcome::new(Status::Created, None).with(id)
    }
}

fn unlike(sent: &Sent, response: &Response) -> Error {
    sent.endpoint
        .unreadable(response, "it differs from what was sent")
}

/// Returns the outcome of a step that needs no request, or `None` if the step needs one.
fn without_work(step: &Step) -> Option<Outcome> {
    let note = || Some(step.note.clone()).filter(|note| !note.is_empty());
    match (step.action, &step.work) {
        (Action::Create | Action::Assign | Action::Extend, Some(_)) => None,
        (Action::Exists, _) => Some(Outcome::new(Status::Exists, None)),
        (Action::Differs, _) => Some(Outcome::new(Status::Differs, note())),
        _ => Some(Outcome::new(Status::NotSent, note())),
    }
}

/// Whether a step can be sent.
enum Ready {
    Now(Box<Sent>),
    Not,
    /// A dependency is missing.
    Never(String),
}

/// The request for a step, with all ids filled in.
struct Sent {
    endpoint: &'static Endpoint,
    ids: Vec<(&'static str, String)>,
    query: Option<(&'static str, &'static str)>,
    body: Option<Value>,
    what: What,
}

/// What a request does.
enum What {
    Create(Made),
    Assign,
    /// Adds these options to the select attribute with this id.
    Extend(String, Vec<String>),
}

fn ready(plan: &Plan, step: &Step, done: &[Option<Outcome>]) -> Ready {
    let id = |thing: &ObjectId| match thing {
        ObjectId::Known(id) => Ok(id.clone()),
        ObjectId::FromStep(number) => {
            let name = plan.steps.get(*number).map_or("", |step| step.name.as_str());
            match done.get(*number).and_then(Option::as_ref) {
                None => Err(Ready::Not),
                Some(Outcome { id: Some(id), .. }) => Ok(id.clone()),
                Some(outcome) if outcome.status == Status::Unknown => Err(Ready::Never(format!(
                    "it depends on `{name}`, whose creation is uncertain"
                ))),
                Some(_) => Err(Ready::Never(format!(
                    "it depends on `{name}`, which was not created"
                ))),
            }
        }
    };
    let settled = |after: Option<usize>| {
        let waits = after.is_some_and(|after| done.get(after).is_some_and(Option::is_none));
        if waits { Err(Ready::Not) } else { Ok(()) }
    };
    let Some(work) = &step.work else {
        return Ready::Never("nothing to send".to_owned());
    };
    match sent(work, id, settled) {
        Ok(sent) => Ready::Now(Box::new(sent)),
        Err(waits) => waits,
    }
}

fn sent(
    work: &Work,
    id: impl Fn(&ObjectId) -> Result<String, Ready>,
    settled: impl Fn(Option<usize>) -> Result<(), Ready>,
) -> Result<Sent, Ready> {
    let make = |endpoint, query, body: &Value, more: Option<(&str, &String)>, made| {
        let mut body = body.clone();
        if let (Some((name, id)), Some(body)) = (more, body.as_object_mut()) {
            body.insert(name.to_owned(), Value::String(id.clone()));
        }
        Sent {
            endpoint,
            ids: Vec::new(),
            query,
            body: Some(body),
            what: What::Create(made),
        }
    };
    let put = |endpoint, category, assigned| Sent {
        endpoint,
        ids: vec![("category_id", category), ("assigned_id", assigned)],
        query: None,
        body: None,
        what: What::Assign,
    };
    let rename = |rename: bool| rename.then_some(endpoints::RENAME_CONFLICTING);
    Ok(match work {
        Work::StatusSet {
            name,
            body,
            rename: gives_way,
        } => make(
            &endpoints::CREATE_STATUS_SET,
            rename(*gives_way),
            body,
            None,
            Made::StatusSet { name: name.clone() },
        ),
        Work::Status {
            label,
            body,
            set,
            after,
        } => {
            settled(*after)?;
            let set = id(set)?;
            let more = Some(("statusStepSetId", &set));
            let kept = Made::Status {
                label: label.clone(),
                set: set.clone(),
            };
            make(&endpoints::CREATE_STATUS, None, body, more, kept)
        }
        Work::Attribute {
            name,
            body,
            rename: gives_way,
        } => make(
            &endpoints::CREATE_ATTRIBUTE,
            rename(*gives_way),
            body,
            None,
            Made::Attribute { name: name.clone() },
        ),
        Work::Options { attribute, options } => Sent {
            endpoint: &endpoints::CHANGE_ATTRIBUTE,
            ids: vec![("attribute_id", attribute.clone())],
            query: None,
            body: None,
            what: What::Extend(attribute.clone(), options.clone()),
        },
        Work::Category { name, body, parent } => {
            let parent = id(parent)?;
            let more = Some(("parentId", &parent));
            let kept = Made::Category {
                name: name.clone(),
                parent: parent.clone(),
            };
            make(&endpoints::CREATE_CATEGORY, None, body, more, kept)
        }
        Work::AssignStatusSet { category, set, after } => {
            settled(*after)?;
            put(&endpoints::ASSIGN_STATUS_SET, id(category)?, id(set)?)
        }
        Work::AssignAttribute {
            category,
            attribute,
            after,
        } => {
            settled(*after)?;
            put(&endpoints::ASSIGN_ATTRIBUTE, id(category)?, id(attribute)?)
        }
    })
}

/// The object that a step creates, with the properties needed to look it up.
enum Made {
    StatusSet { name: String },
    Status { label: String, set: String },
    Attribute { name: String },
    Category { name: String, parent: String },
}

impl Made {
    fn list(&self) -> &'static Endpoint {
        match self {
            Self::StatusSet { .. } | Self::Status { .. } => &endpoints::STATUS_SETS,
            Self::Attribute { .. } => &endpoints::CUSTOM_ATTRIBUTES,
            Self::Category { .. } => &endpoints::CATEGORIES,
        }
    }

    /// Reads the id from the response to a create, if the response matches the request.
    fn read(&self, response: &Response) -> Option<String> {
        let entry = value::read(std::str::from_utf8(&response.body).ok()?)?;
        // Ids are strings ("POST categories" reference page). If the id in a response has another type, do
        // not trust the id; look the object up in the list.
        entry.get("id")?.as_str()?;
        match self {
            Self::Status { label, .. } => status(label, Known::read(&entry)?),
            _ => self.find(std::iter::once(entry)),
        }
    }

    /// Returns the id of the active object with this name.
    fn find(&self, mut entries: impl Iterator<Item = Value>) -> Option<String> {
        match self {
            Self::StatusSet { name } => entries
                .filter_map(|entry| StatusSet::read(&entry))
                .find(|found| found.active && same(&found.name, name) && is_uuid(&found.id))
                .map(|found| found.id),
            Self::Status { label, set } => entries
                .filter_map(|entry| StatusSet::read(&entry))
                .find(|found| found.id.eq_ignore_ascii_case(set))?
                .statuses
                .into_iter()
                .find_map(|found| status(label, found)),
            Self::Attribute { name } => entries
                .filter_map(|entry| Attribute::read(&entry))
                .find(|found| found.active && same(&found.display_name, name) && is_uuid(&found.id))
                .map(|found| found.id),
            Self::Category { name, parent } => entries.find_map(|entry| {
                let found = Category::read(&entry)?;
                let whole = found.id.bytes().all(|byte| byte.is_ascii_digit());
                let its = found.active && same(&found.name, name) && whole;
                (its && found.parent.as_deref() == Some(parent)).then_some(found.id)
            }),
        }
    }
}

fn status(label: &str, found: Known) -> Option<String> {
    (found.active && same(&found.label, label) && is_uuid(&found.id)).then_some(found.id)
}

fn same(found: &str, wanted: &str) -> bool {
    folded(found) == folded(wanted)
}

/// Returns whether this is a UUID. Ids of status sets, statuses and custom attributes are UUIDs ("PUT status-step-set"
/// reference page).
fn is_uuid(id: &str) -> bool {
    Uuid::try_parse(id).is_ok()
}
