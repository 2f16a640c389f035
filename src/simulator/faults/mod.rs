//! Scripted faults.
//!
//! A fault is a rule. Each request is affected only by the first rule that applies to it. In JSON, a fault
//! has these keys:
//!
//! | key | value |
//! | --- | --- |
//! | `what` | the effect, from the table below; required |
//! | `on` | an endpoint such as `"assets:batch-create"`, or `"any"` (default) |
//! | `nth` | the nth matching request, counted from 1 since the fault was added; if `times` is greater than 1, also the matching requests after it |
//! | `every` | every nth matching request |
//! | `probability` | each matching request with this probability, from 0 to 1 |
//! | `seed` | the seed of the random number generator; default 0 |
//! | `times` | the maximum number of affected requests; default 1, or unlimited with `every` or `probability` |
//!
//! | `what` | additional keys | effect |
//! | --- | --- | --- |
//! | `status` | `code` (required), `headers` (object), `body` (`"html"`, `"json"` (default), `"empty"`, `"own"`), `after_apply` (bool) | this response; the request is executed first only if `after_apply` is true; `"own"` (only with `after_apply`): the endpoint's own body, with this code unless the endpoint returns an error |
//! | `rate_limit` | `retry_after` (seconds, default 1; null for no header; a string is sent unchanged) | a 429; the request is not executed |
//! | `refuse` | | the connection is refused; over HTTP, same as `reset_before_apply` |
//! | `reset_before_apply` | | the connection breaks before the request is executed |
//! | `reset_after_apply` | | the connection breaks after the request is executed, without a response |
//! | `apply_late` | `ms` (required) | the connection breaks immediately; the request is executed after this time, unless the gateway rejects it or the runtime has ended |
//! | `delay` | `ms` (required) | the request is executed immediately; the response is delayed by this time |
//! | `cut_body` | `bytes` (default 10) | the request is executed; the response is cut off after this many bytes of its body |
//! | `slow_body` | `ms` (required) | the request is executed; the head of the response is sent immediately, and its body slowly over this time; in process, same as `delay` |
//! | `unreadable` | `body` (`"cut"` (default), `"empty"`, `"null"`, `"html"`) | the request is executed; the response is complete, but its body is cut in half, empty, `null` or an HTML page |
//! | `wrong_types` | | the request is executed; in the response, numbers and booleans become strings, and ids become numbers |
//! | `drop_results` | `count` (default 1) | the request is executed; the first `count` entries are missing from a successful response |
//! | `double_results` | | the request is executed; the first entry of a successful response is duplicated |
//! | `clock_jump` | `seconds` (required, may be negative) | the Date header of this and all later responses is shifted by this time; the service's own clock is not |
//! | `steal` | `requests` (default 1) | after this request, the same user makes this many requests from another program, in the same rate group, or fewer if one is rejected |
//! | `html` | | a 200 with an HTML page; the request is not executed |
//! | `expire_token` | | the request's token expires permanently, so the response is a 401 |
//! | `redirect` | `url` (required) | a 307 to this URL; the request is not executed |

mod body;
mod effect;
mod read;
mod rule;

pub use body::{miscounted, spoiled, wrong_types};
pub use effect::{FaultBody, RetryAfter, Spoiled, What};
pub use rule::{Fault, Faults, When};
