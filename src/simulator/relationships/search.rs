//! The search for relationships.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::print::print_all;
use crate::http::send::Response;
use crate::simulator::call::Call;
use crate::simulator::contract::{RELATIONSHIP_PAGE_MOST, Switch};
use crate::simulator::query::Query;
use crate::simulator::refusal::{Refusal, bad_field, invalid};
use crate::simulator::responses::json_response;
use crate::simulator::state::State;
use crate::simulator::values::instant;
use crate::simulator::world::{Entity, Millis, Relationship};

struct Side<'a> {
    domain: Option<&'a str>,
    kind: Option<&'a str>,
    id: Option<&'a str>,
}

impl<'a> Side<'a> {
    fn read(query: &'a Query, names: [&'static str; 3]) -> Result<Self, Refusal> {
        let [domain, kind, id] = names.map(|name| query.get(name));
        if id.is_some() && kind.is_none() || kind.is_some() && domain.is_none() {
            // An id requires a type, and a type requires a domain ("GET relationships:search" reference page).
            let missing = if kind.is_none() { names[1] } else { names[0] };
            return Err(bad_field(
                "BadInput",
                missing,
                format!("{missing} is required here."),
            ));
        }
        Ok(Self { domain, kind, id })
    }

    fn fits(&self, entity: &Entity) -> bool {
        self.domain.is_none_or(|domain| *entity.domain == *domain)
            && self.kind.is_none_or(|kind| *entity.kind == *kind)
            && self.id.is_none_or(|id| *entity.id == *id)
    }
}

/// Searches relationships. Each page continues after the last relationship of the previous page, so that
/// deletions do not shift later pages.
pub fn search(state: &mut State, call: &Call, now: Duration) -> Result<Response, Refusal> {
    let query = &call.query;
    let one = Side::read(query, ["domain", "type", "id"])?;
    let other = Side::read(query, ["withDomain", "withType", "withId"])?;
    let time = |name: &str| -> Result<Option<Millis>, Refusal> {
        query
            .get(name)
            .map(|text| instant(text).ok_or_else(|| invalid(name, text)))
            .transpose()
    };
    let (after, before) = (time("createdAfter")?, time("createdBefore")?);
    let only_deleted = query.flag("onlyDeleted")?;
    let deleted = only_deleted || query.flag("includeDeleted")?;
    let limit = match query.get("pageLimit") {
        None => RELATIONSHIP_PAGE_MOST,
        Some(text) => match text.parse::<usize>() {
            Ok(limit) if (1..=RELATIONSHIP_PAGE_MOST).contains(&limit) => limit,
            Ok(limit) if limit > 0 && state.switches.is(Switch::PageLimitOver, "clamp") => {
                RELATIONSHIP_PAGE_MOST
            }
            _ => return Err(invalid("pageLimit", text)),
        },
    };
    let asked: Vec<String> = query
        .pairs()
        .iter()
        .filter(|(name, _)| name != "continuationToken" && name != "pageLimit")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let asked = asked.join("&");
    let start = match query.get("continuationToken") {
        None => 0,
        Some(token) => {
            continued(state, call, token, &asked, now).ok_or_else(|| invalid("continuationToken", token))?
        }
    };
    let fits = |relationship: &Relationship| {
        let [left, right] = &relationship.entities;
        (deleted || relationship.deleted_at.is_none())
            && (!only_deleted || relationship.deleted_at.is_some())
            && after.is_none_or(|after| relationship.created_at >= after)
            && before.is_none_or(|before| relationship.created_at <= before)
            && (one.fits(left) && other.fits(right) || one.fits(right) && other.fits(left))
    };
    let all = &state.world.relationships;
    let found: Vec<usize> = (start.min(all.len())..all.len())
        .filter(|position| fits(&all[*position]))
        .take(limit + 1)
        .collect();
    let more = found.len() > limit;
    let shown = &found[..found.len().min(limit)];
    let token = |next: usize| {
        let content = json!({ "user": &*call.user.id, "container": state.world.project, "query": asked, "next": next,
            "issued": now.as_secs_f64() });
        STANDARD.encode(content.to_string())
    };
    let mut page = json!({ "syncToken": token(all.len()) });
    match shown.last() {
        Some(last) if more => page["continuationToken"] = json!(token(last + 1)),
        _ if state.switches.is(Switch::LastToken, "null") => page["continuationToken"] = Value::Null,
        _ => {}
    }
    let relationships = print_all(state, shown);
    Ok(json_response(
        200,
        &json!({ "page": page, "relationships": relationships }),
    ))
}

/// Returns the position at which a continuation token resumes, if the token has not expired and is valid for
/// this user, container and query.
fn continued(state: &State, call: &Call, token: &str, asked: &str, now: Duration) -> Option<usize> {
    let content: Value = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
    let alive = state.switches.number(Switch::TokenTtl).is_none_or(|seconds| {
        content["issued"]
            .as_f64()
            .is_some_and(|issued| now.as_secs_f64() - issued <= seconds)
    });
    let own = content["user"].as_str() == Some(&*call.user.id)
        && content["container"] == json!(state.world.project)
        && content["query"].as_str() == Some(asked);
    content["next"]
        .as_u64()
        .filter(|_| alive && own)
        .and_then(|next| usize::try_from(next).ok())
}
