//! Creates an object. There is no idempotency key, so the request is resent only once, and only if two lookups do not
//! find the object.

use std::time::Duration;

use serde_json::Value;

use super::object::NewObject;
use super::outcome::{Status, StepOutcome};
use super::progress::{Next, Progress, unlike};
use crate::api::Call;
use crate::error::{Error, ServiceError};
use crate::http::refusal::request_id;
use crate::http::{CallOutcome, Response};

/// The creation of an object.
pub(super) struct Create<'p> {
    object: NewObject<'p>,
    call: Call,
    /// The list that contains the object.
    list: Call,
    /// The time between the two lookups after a lost response.
    settle_time: Duration,
    /// `NotSent` before the first response, `Unknown` after a lost response, and `Failed` after a rejection.
    so_far: StepOutcome,
    /// Whether a lookup did not find the object after the last lost response.
    is_missed: bool,
    is_resent: bool,
}

impl<'p> Create<'p> {
    pub fn new(object: NewObject<'p>, call: Call, list: Call, settle_time: Duration) -> Self {
        Self {
            object,
            call,
            list,
            settle_time,
            so_far: StepOutcome::stopped(),
            is_missed: false,
            is_resent: false,
        }
    }

    /// Handles a lookup after a lost response that did not find the object.
    fn missed(&mut self) -> Next {
        if !std::mem::replace(&mut self.is_missed, true) {
            return Next::Wait(self.settle_time);
        }
        if std::mem::replace(&mut self.is_resent, true) {
            let error = self.so_far.error.as_deref().unwrap_or_default();
            return Next::End(StepOutcome {
                status: Status::Failed,
                error: Some(format!(
                    "{error}; sent twice, but the project does not contain it"
                )),
                ..self.so_far.clone()
            });
        }
        self.so_far = StepOutcome::stopped();
        self.is_missed = false;
        Next::Send(self.call.clone())
    }
}

impl Progress for Create<'_> {
    fn begin(&mut self) -> Next {
        Next::Send(self.call.clone())
    }

    fn completed(&mut self, called: CallOutcome<Response>) -> Next {
        let lost = match called.result {
            Ok(response) => match self.object.read(&response) {
                Some(id) => return Next::End(created(id, request_id(&response))),
                None => unlike(&self.call, &response),
            },
            Err(error) if called.in_doubt => error,
            Err(_) if called.stopped => return Next::End(StepOutcome::stopped()),
            Err(error) => {
                self.so_far = StepOutcome::of(Status::Failed, &error);
                return match error {
                    // Another user may have created the object in the meantime.
                    Error::Service(refusal) if is_duplicate(&refusal) => Next::Read(self.list.clone()),
                    _ => Next::End(self.so_far.clone()),
                };
            }
        };
        self.so_far = StepOutcome::of(Status::Unknown, &lost);
        Next::Read(self.list.clone())
    }

    fn listed(&mut self, read: Result<Vec<Value>, Error>) -> Next {
        let found = read.map(|entries| self.object.find(&entries));
        if self.so_far.status == Status::Failed {
            return Next::End(match found {
                Ok(Some(id)) => StepOutcome {
                    request_id: self.so_far.request_id.take(),
                    id: Some(id),
                    ..StepOutcome::new(Status::Exists, None)
                },
                _ => self.so_far.clone(),
            });
        }
        match found {
            Ok(Some(id)) => Next::End(created(id, self.so_far.request_id.take())),
            Ok(None) => self.missed(),
            Err(error) => Next::End(self.so_far.clone().without_lookup(Some(&error.to_string()))),
        }
    }

    fn waited(&mut self, stopped: bool) -> Next {
        if stopped {
            return Next::End(self.so_far());
        }
        Next::Read(self.list.clone())
    }

    fn so_far(&self) -> StepOutcome {
        let so_far = self.so_far.clone();
        match so_far.status {
            Status::Unknown => so_far.without_lookup(None),
            _ => so_far,
        }
    }
}

fn created(id: String, request_id: Option<String>) -> StepOutcome {
    StepOutcome {
        request_id,
        id: Some(id),
        ..StepOutcome::new(Status::Created, None)
    }
}

/// Returns whether a create was rejected because its name is taken.
fn is_duplicate(refusal: &ServiceError) -> bool {
    let codes = refusal.violations.iter().map(|violation| &violation.code);
    let mut codes = std::iter::once(&refusal.code).chain(codes).flatten();
    refusal.status == 409 || codes.any(|code| code.to_uppercase().contains("DUPLICATE"))
}
