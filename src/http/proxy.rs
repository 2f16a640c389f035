//! Reads the proxy from the options, or else checks the proxy from the environment. An invalid proxy is an
//! error, since reqwest would ignore it and send the token directly.

use std::env::{self, VarError};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Proxy, Url};

use crate::error::Error;
use crate::options::Options;

/// Returns the proxy from the options. If there is none, checks the proxy that reqwest itself would take from
/// the environment, and returns `None`.
///
/// # Errors
/// [`Error::Option`] if the proxy from the options or the environment is invalid.
pub fn of(options: &Options) -> Result<Option<Proxy>, Error> {
    if let Some(address) = &options.proxy {
        let proxy = url_of(address)
            .filter(|url| is_used(url.as_str()))
            .and_then(|url| Proxy::all(url).ok());
        return proxy.map(Some).ok_or_else(|| refused("proxy=", address));
    }
    // A proxy from the environment is not used for requests to this machine. Like reqwest, ignore it in CGI scripts,
    // where an incoming request can set HTTP_PROXY.
    if options.is_local() || env::var_os("REQUEST_METHOD").is_some() {
        return Ok(None);
    }
    let own = if options.base_url.starts_with("http:") {
        ["HTTP_PROXY", "http_proxy"]
    } else {
        ["HTTPS_PROXY", "https_proxy"]
    };
    let (name, address) = match first_of(own)? {
        Some(found) => found,
        None => match first_of(["ALL_PROXY", "all_proxy"])? {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    let exempt = ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| env::var(name).ok())
        .is_some_and(|hosts| !is_used_for(&options.base_url, "http://proxy.example", &hosts));
    if exempt || url_of(&address).is_some() && is_used(&address) {
        return Ok(None);
    }
    Err(refused(name, &address))
}

/// Returns the first of these variables that is set, or `None` if that variable is empty or no variable is
/// set.
fn first_of(names: [&'static str; 2]) -> Result<Option<(&'static str, String)>, Error> {
    for name in names {
        match env::var(name) {
            Ok(address) if address.trim().is_empty() => return Ok(None),
            Ok(address) => return Ok(Some((name, address))),
            Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => return Err(refused(name, "")),
        }
    }
    Ok(None)
}

/// Parses the address of an HTTP proxy. The default scheme is `http`.
fn url_of(address: &str) -> Option<Url> {
    let url = if address.contains("://") {
        Url::parse(address)
    } else {
        Url::parse(&format!("http://{address}"))
    };
    url.ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}

/// Returns whether reqwest can parse this proxy. reqwest ignores proxies that it cannot parse.
fn is_used(proxy: &str) -> bool {
    is_used_for("https://service.example", proxy, "")
}

fn is_used_for(service: &str, proxy: &str, no_proxy: &str) -> bool {
    let matcher = Matcher::builder().all(proxy).no(no_proxy).build();
    service
        .parse()
        .is_ok_and(|service| matcher.intercept(&service).is_some())
}

/// Creates the error for an invalid proxy. The address may contain a password, so only its scheme is shown.
fn refused(name: &str, address: &str) -> Error {
    let scheme = address.split_once("://").map_or("", |(scheme, _)| scheme);
    let is_scheme = !scheme.is_empty()
        && scheme.len() <= 16
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let problem = if is_scheme && !["http", "https"].contains(&scheme) {
        format!("proxies with the scheme {scheme} are not supported")
    } else {
        "not the address of a proxy".to_owned()
    };
    Error::Option(format!(
        "{name}: {problem}; use a URL such as http://proxy.example:3128"
    ))
}
