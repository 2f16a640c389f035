//! Adds options to a select attribute. The attribute is read just before each request, which has all of its options, so
//! that none is removed.

use std::time::Duration;

use serde_json::{Value, json};

use super::object::{all_options, find_attribute, has_options, read};
use super::outcome::{Status, StepOutcome};
use super::progress::{MOST_ATTEMPTS, Next, Progress, unlike};
use crate::api::Call;
use crate::error::Error;
use crate::http::refusal::request_id;
use crate::http::{CallOutcome, Response};
use crate::model::settings::Attribute;

/// The extension of an attribute by options.
pub(super) struct Extend<'p> {
    attribute: &'p str,
    options: &'p [String],
    call: Call,
    /// The list of custom attributes.
    list: Call,
    wait: Duration,
    attempts: u32,
    /// The outcome of the last request without a usable response, if any.
    lost: Option<StepOutcome>,
}

impl<'p> Extend<'p> {
    pub fn new(attribute: &'p str, options: &'p [String], call: Call, list: Call, wait: Duration) -> Self {
        Self {
            attribute,
            options,
            call,
            list,
            wait,
            attempts: 0,
            lost: None,
        }
    }

    /// Ends the step. A request whose outcome is unknown matters more than what happened later.
    fn end(&mut self, outcome: StepOutcome) -> Next {
        Next::End(self.lost.take().unwrap_or(outcome))
    }
}

impl Progress for Extend<'_> {
    fn begin(&mut self) -> Next {
        Next::Read(self.list.clone())
    }

    fn listed(&mut self, read: Result<Vec<Value>, Error>) -> Next {
        let entries = match read {
            Ok(entries) => entries,
            Err(error) => return self.end(StepOutcome::of(Status::NotSent, &error)),
        };
        let Some(known) = find_attribute(&entries, self.attribute) else {
            let reason = "the attribute is no longer active in the project".to_owned();
            return self.end(StepOutcome::new(Status::Failed, Some(reason)));
        };
        if has_options(&known, self.options) {
            return Next::End(match self.lost.take() {
                Some(lost) => StepOutcome {
                    request_id: lost.request_id,
                    ..StepOutcome::new(Status::Extended, None)
                },
                None => StepOutcome::new(Status::Exists, None),
            });
        }
        // The last read only shows whether a request without a response was executed.
        if self.attempts == MOST_ATTEMPTS {
            return self.end(StepOutcome::stopped());
        }
        self.attempts += 1;
        let body = json!({"enumValues": all_options(&known, self.options)});
        Next::Send(self.call.clone().with_body(body.to_string()))
    }

    fn completed(&mut self, called: CallOutcome<Response>) -> Next {
        let lost = match called.result {
            Ok(response) => {
                let now = read(&response).as_ref().and_then(Attribute::read);
                if now.is_some_and(|now| has_options(&now, self.options)) {
                    return Next::End(StepOutcome {
                        request_id: request_id(&response),
                        ..StepOutcome::new(Status::Extended, None)
                    });
                }
                unlike(&self.call, &response)
            }
            Err(error) if called.in_doubt => error,
            Err(_) if called.stopped => return self.end(StepOutcome::stopped()),
            Err(error) => return self.end(StepOutcome::of(Status::Failed, &error)),
        };
        self.lost = Some(StepOutcome::of(Status::Unknown, &lost));
        Next::Wait(self.wait)
    }

    fn waited(&mut self, stopped: bool) -> Next {
        if stopped {
            return self.end(StepOutcome::stopped());
        }
        Next::Read(self.list.clone())
    }

    fn so_far(&self) -> StepOutcome {
        self.lost.clone().unwrap_or_else(StepOutcome::stopped)
    }
}
