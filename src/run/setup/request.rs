//! The request for a step of a setup, once all steps that it depends on are settled.

use serde_json::Value;

use super::object::NewObject;
use super::outcome::{Status, StepOutcome};
use crate::api::settings as endpoints;
use crate::api::{Call, Endpoint};
use crate::call::Session;
use crate::error::Error;
use crate::settings::setup::{ObjectId, Plan, Step, Work};

/// The project to set up.
#[derive(Clone)]
pub(super) struct Target {
    pub session: Session,
    pub project: String,
}

/// The request for a step, with all ids filled in.
pub(super) struct Request<'p> {
    endpoint: &'static Endpoint,
    ids: Vec<(&'static str, String)>,
    query: Option<(&'static str, &'static str)>,
    body: Option<Value>,
    pub effect: Effect<'p>,
}

/// What a request does.
pub(super) enum Effect<'p> {
    Create(NewObject<'p>),
    Assign,
    /// Adds these options to the select attribute with this id.
    Extend(&'p str, &'p [String]),
}

/// Why a step cannot be sent.
pub(super) enum Blocked {
    /// A step that it depends on is not settled yet.
    Waits,
    /// A step that it depends on did not create its object.
    Forever(String),
}

impl Target {
    /// Returns the call for a request.
    pub fn call(&self, request: &Request<'_>) -> Result<Call, Error> {
        let ids = request.ids.iter().map(|(name, id)| (*name, id.as_str()));
        let parameters: Vec<(&str, &str)> = ids.chain([("project", self.project.as_str())]).collect();
        let call = self
            .session
            .to(request.endpoint, &parameters)?
            .with_query(request.query);
        Ok(match &request.body {
            Some(body) => call.with_body(body.to_string()),
            None => call,
        })
    }

    /// Returns the call for a list of the project.
    pub fn list(&self, list: &'static Endpoint) -> Result<Call, Error> {
        self.session.to(list, &[("project", &self.project)])
    }
}

/// The steps of a plan, and the outcomes of those that are settled.
pub(super) struct Outcomes<'s> {
    pub plan: &'s Plan,
    pub outcomes: &'s [Option<StepOutcome>],
}

impl Outcomes<'_> {
    fn outcome(&self, step: usize) -> Option<&StepOutcome> {
        self.outcomes.get(step)?.as_ref()
    }

    /// Returns the id of an object.
    fn id(&self, object: &ObjectId) -> Result<String, Blocked> {
        let step = match object {
            ObjectId::Known(id) => return Ok(id.clone()),
            ObjectId::FromStep(step) => *step,
        };
        let name = self.plan.steps.get(step).map_or("", |step| step.name.as_str());
        match self.outcome(step) {
            None => Err(Blocked::Waits),
            Some(StepOutcome { id: Some(id), .. }) => Ok(id.clone()),
            Some(outcome) if outcome.status == Status::Unknown => Err(Blocked::Forever(format!(
                "it depends on `{name}`, whose creation is uncertain"
            ))),
            Some(_) => Err(Blocked::Forever(format!(
                "it depends on `{name}`, which was not created"
            ))),
        }
    }

    /// Checks that the previous step is settled, if there is one.
    fn follows(&self, previous: Option<usize>) -> Result<(), Blocked> {
        let waits = previous.is_some_and(|step| self.outcome(step).is_none());
        if waits { Err(Blocked::Waits) } else { Ok(()) }
    }
}

/// Returns the request for a step.
pub(super) fn request<'p>(step: &'p Step, outcomes: &Outcomes<'_>) -> Result<Request<'p>, Blocked> {
    let Some(work) = &step.work else {
        return Err(Blocked::Forever("nothing to send".to_owned()));
    };
    Ok(match work {
        Work::StatusSet { name, body, rename } => {
            let object = NewObject::StatusSet { name };
            Request {
                query: rename.then_some(endpoints::RENAME_CONFLICTING),
                ..create(&endpoints::CREATE_STATUS_SET, body.clone(), object)
            }
        }
        Work::Status {
            label,
            body,
            set,
            after,
        } => {
            outcomes.follows(*after)?;
            let set = outcomes.id(set)?;
            let body = with_member(body, "statusStepSetId", &set);
            create(&endpoints::CREATE_STATUS, body, NewObject::Status { label, set })
        }
        Work::Attribute { name, body, rename } => {
            let object = NewObject::Attribute { name };
            Request {
                query: rename.then_some(endpoints::RENAME_CONFLICTING),
                ..create(&endpoints::CREATE_ATTRIBUTE, body.clone(), object)
            }
        }
        Work::Options { attribute, options } => Request {
            endpoint: &endpoints::CHANGE_ATTRIBUTE,
            ids: vec![("attribute_id", attribute.clone())],
            query: None,
            body: None,
            effect: Effect::Extend(attribute, options),
        },
        Work::Category { name, body, parent } => {
            let parent = outcomes.id(parent)?;
            let body = with_member(body, "parentId", &parent);
            let object = NewObject::Category { name, parent };
            create(&endpoints::CREATE_CATEGORY, body, object)
        }
        Work::AssignStatusSet { category, set, after } => {
            outcomes.follows(*after)?;
            assign(
                &endpoints::ASSIGN_STATUS_SET,
                outcomes.id(category)?,
                outcomes.id(set)?,
            )
        }
        Work::AssignAttribute {
            category,
            attribute,
            after,
        } => {
            outcomes.follows(*after)?;
            assign(
                &endpoints::ASSIGN_ATTRIBUTE,
                outcomes.id(category)?,
                outcomes.id(attribute)?,
            )
        }
    })
}

fn create<'p>(endpoint: &'static Endpoint, body: Value, object: NewObject<'p>) -> Request<'p> {
    Request {
        endpoint,
        ids: Vec::new(),
        query: None,
        body: Some(body),
        effect: Effect::Create(object),
    }
}

fn assign(endpoint: &'static Endpoint, category: String, assigned: String) -> Request<'static> {
    Request {
        endpoint,
        ids: vec![("category_id", category), ("assigned_id", assigned)],
        query: None,
        body: None,
        effect: Effect::Assign,
    }
}

fn with_member(body: &Value, name: &str, id: &str) -> Value {
    let mut body = body.clone();
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), Value::String(id.to_owned()));
    }
    body
}
