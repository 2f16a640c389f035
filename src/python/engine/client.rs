//! A client's options, token, connection pool and reads of settings.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::api;
use crate::call::Session;
use crate::error::Error;
use crate::http::auth::Fetching;
use crate::http::send::Network;
use crate::http::{Caller, Stop, Token, TokenSource};
use crate::options::{GivenOptions, Options};
use crate::python::asyncio;
use crate::python::attached::Held;
use crate::python::errors::exception;
use crate::python::logs;
use crate::python::runtime::PerProcess;
use crate::reads::shared_settings::Readings;

/// What the calls of one client share, in any thread.
pub struct Client {
    auth: Auth,
    options: Options,
    /// The connection pool and the token, which a forked child must not share.
    caller: PerProcess<Arc<Caller>>,
    /// The tasks that read settings, which do not exist in a forked child.
    readings: PerProcess<Arc<Readings>>,
}

enum Auth {
    Text(String),
    Callable(Arc<Held<Py<PyAny>>>),
}

impl Client {
    /// Creates the client. `auth` is a token, or a function that returns one.
    ///
    /// # Errors
    /// If an option is invalid.
    pub fn new(auth: Bound<'_, PyAny>, options: GivenOptions) -> PyResult<Self> {
        let py = auth.py();
        let options = Options::try_from(options)
            .and_then(|options| api::check_limits(&options.limits).map(|()| options))
            .map_err(|error| exception(py, &error))?;
        let auth = match auth.extract::<String>() {
            Ok(text) => Auth::Text(text),
            Err(_) => Auth::Callable(Arc::new(Held::new(auth.unbind()))),
        };
        let client = Self {
            auth,
            options,
            caller: PerProcess::new(),
            readings: PerProcess::new(),
        };
        client.caller(py)?;
        Ok(client)
    }

    /// Returns the origin of the service.
    pub fn service(&self) -> String {
        self.options.service()
    }

    /// Returns the connection pool and the token of this process.
    ///
    /// # Errors
    /// If the network options cannot be used.
    pub fn caller(&self, py: Python<'_>) -> PyResult<Arc<Caller>> {
        logs::start(py);
        self.caller
            .get(|| {
                let token = match &self.auth {
                    Auth::Text(text) => Token::fixed(text),
                    Auth::Callable(callable) => Token::from_source(Arc::new(Callable(callable.clone()))),
                };
                let network = Network::new(&self.options)?;
                Ok(Arc::new(Caller::new(
                    Box::new(network),
                    token,
                    self.options.clone(),
                )))
            })
            .map_err(|error: Error| exception(py, &error))
    }

    /// Creates the session of a call, which `stop` stops.
    ///
    /// # Errors
    /// See [`Self::caller`].
    pub fn session(&self, py: Python<'_>, stop: &Stop) -> PyResult<Session> {
        Ok(Session::new(self.caller(py)?, stop.clone()))
    }

    /// Returns the reads of settings in this process.
    pub fn readings(&self) -> PyResult<Arc<Readings>> {
        self.readings.get(|| Ok(Arc::default()))
    }
}

/// A Python function, sync or async, that returns a token.
struct Callable(Arc<Held<Py<PyAny>>>);

impl TokenSource for Callable {
    fn fetch(&self) -> Fetching {
        Box::pin(asyncio::token(self.0.clone()))
    }
}
