//! The embedded service for Python, on a loopback port.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pythonize::{depythonize, pythonize};
use serde_json::Value;

use super::errors::refused;
use crate::ledger::journal::disk;
use crate::simulator::{self, Fault, Options, Served};

/// The embedded service, on a loopback port.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Simulator {
    service: simulator::Simulator,
    url: String,
    served: Mutex<Option<Served>>,
}

#[pymethods]
impl Simulator {
    #[new]
    #[pyo3(signature = (options, /))]
    fn new(py: Python<'_>, options: &Bound<'_, PyAny>) -> PyResult<Self> {
        let options: Value = depythonize(options)?;
        let options = Options::from_json(&options).map_err(|message| refused(py, message))?;
        let simulator = simulator::Simulator::new(options).map_err(|message| refused(py, message))?;
        let served = simulator
            .serve()
            .map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Self {
            service: simulator,
            url: served.url.clone(),
            served: Mutex::new(Some(served)),
        })
    }

    /// Delays every journal sync in this process by this many seconds.
    #[staticmethod]
    #[pyo3(signature = (seconds, /))]
    fn slow_journals(py: Python<'_>, seconds: f64) -> PyResult<()> {
        let delay = Duration::try_from_secs_f64(seconds).map_err(|error| refused(py, error.to_string()))?;
        disk::slow_down(delay);
        Ok(())
    }

    /// Returns the number of journal syncs by this thread and by all threads, and of ledger locks by this thread.
    #[staticmethod]
    fn journal_counts() -> (u64, u64, u64) {
        disk::counts()
    }

    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    #[getter]
    fn token(&self) -> &str {
        self.service.token()
    }

    #[getter]
    fn project_id(&self) -> String {
        self.service.project_id()
    }

    fn close(&self, py: Python<'_>) {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(served));
    }

    #[pyo3(signature = (name, value, /))]
    fn set_switch(&self, py: Python<'_>, name: &str, value: &str) -> PyResult<()> {
        self.service
            .set_switch(name, value)
            .map_err(|message| refused(py, message))
    }

    fn switches(&self) -> BTreeMap<&'static str, String> {
        self.service.switches()
    }

    #[pyo3(signature = (fault, /))]
    fn add_fault(&self, py: Python<'_>, fault: &Bound<'_, PyAny>) -> PyResult<()> {
        let fault: Value = depythonize(fault)?;
        let fault = Fault::from_json(&fault).map_err(|message| refused(py, message))?;
        self.service.add_fault(fault);
        Ok(())
    }

    fn clear_faults(&self) {
        self.service.clear_faults();
    }

    /// Accepts another token for the same user.
    #[pyo3(signature = (token, /))]
    fn accept_token(&self, token: &str) {
        self.service.accept_token(token, self.service.user_id(), None);
    }

    #[pyo3(signature = (token, /))]
    fn revoke_token(&self, token: &str) -> bool {
        self.service.revoke_token(token)
    }

    fn audit<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &self.service.audit())?)
    }

    fn world<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &self.service.world_json())?)
    }

    /// Returns all assets with all fields, including deleted ones, in order of creation.
    fn assets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &self.service.assets())?)
    }

    #[pyo3(signature = (count, /))]
    fn seed_relationships(&self, count: usize) -> Vec<String> {
        self.service.seed_relationships(count)
    }
}
